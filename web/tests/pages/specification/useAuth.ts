/** The fragment of the page is `#TOKEN/JOB`, in place of a sign-in. */
const [token = "", job = ""] = window.location.hash.slice(1).split("/");

export const jobId = job;

export function useAuth(): { token: string | null } {
  return { token };
}
