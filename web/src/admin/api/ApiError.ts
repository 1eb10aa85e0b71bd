/** The faults of a request that the page treats differently. */
export type Trouble = "unreachable" | "signed_out" | "forbidden" | "missing" | "refused" | "broken";

const BY_STATUS: ReadonlyMap<number, Trouble> = new Map([
  [401, "signed_out"],
  [403, "forbidden"],
  [404, "missing"],
]);

/** A request that failed: no answer, or an answer other than success. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly trouble: Trouble,
    message: string,
    /** The code of the problem, if the server named one. */
    readonly code: string | null = null,
  ) {
    super(message);
  }
}

function text(body: unknown, ...names: string[]): string | null {
  if (typeof body !== "object" || body === null) return null;
  const members = body as Record<string, unknown>;
  for (const name of names) {
    const value = members[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}

/** Returns the error that an answer describes, which is problem+json if the server wrote it. */
export async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as unknown;
  const trouble = BY_STATUS.get(response.status) ?? (response.status < 500 ? "refused" : "broken");
  const message = text(body, "detail", "message", "title") ?? `HTTP ${response.status}`;
  return new ApiError(trouble, message, text(body, "code"));
}
