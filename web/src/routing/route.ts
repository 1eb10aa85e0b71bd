/** The routes of the page, in the fragment of its address, which browsers do not send to servers. */

export const STATUSES = ["queued", "running", "completed", "failed", "cancelled"] as const;
export type StatusFilter = (typeof STATUSES)[number] | null;

export type Route =
  | { readonly page: "jobs"; readonly status: StatusFilter }
  | { readonly page: "job"; readonly jobId: string };

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function statusFilter(value: string | null): StatusFilter {
  return STATUSES.find((status) => status === value) ?? null;
}

/** Parses `#/jobs/ID` and `#/jobs?status=failed`; anything else is the list of jobs. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const jobId = /^\/jobs\/(.+)$/.exec(path)?.[1];
  if (jobId !== undefined) return { page: "job", jobId: decode(jobId) };
  return { page: "jobs", status: statusFilter(new URLSearchParams(query).get("status")) };
}

/** Returns the fragment of a route: the inverse of `parseRoute`. */
export function formatRoute(route: Route): string {
  if (route.page === "job") return `#/jobs/${encodeURIComponent(route.jobId)}`;
  return route.status === null ? "#/jobs" : `#/jobs?status=${route.status}`;
}
