/**
 * The places of the admin page. Each is one segment below the mount path, with its parameters in the
 * query, so that relative addresses work wherever the page is mounted and a name may contain a slash.
 */

export const VIEWS = [
  "overview",
  "nodes",
  "connections",
  "connection",
  "rooms",
  "room",
  "jobs",
  "health",
  "contracts",
  "audit",
] as const;

export type View = (typeof VIEWS)[number];

/** The parameters of a view, without those that are empty. */
export type Query = Readonly<Record<string, string>>;

export interface Place {
  /** Null if the address names no view. */
  readonly view: View | null;
  readonly query: Query;
}

interface Address {
  readonly pathname: string;
  readonly search: string;
}

/** Parses an address such as `/_longwire/connections?sort=-lag`. */
export function parsePlace({ pathname, search }: Address): Place {
  const segment = pathname.slice(pathname.lastIndexOf("/") + 1);
  const view = segment === "" ? "overview" : (VIEWS.find((name) => name === segment) ?? null);
  const query: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(search)) {
    if (value !== "") query[key] = value;
  }
  return { view, query };
}

/** Returns the relative address of a view: the inverse of `parsePlace`. */
export function formatPlace(view: View, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const search = given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
  return (view === "overview" ? "./" : view) + search;
}
