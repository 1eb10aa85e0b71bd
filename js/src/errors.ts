/** What the client itself may report, beside the error codes of the server. */
export type ClientErrorCode = "timeout" | "disconnected" | "unreachable" | "outbox_full" | "http";

/** An error with a code to branch on: one of the server's, or one of `ClientErrorCode`. */
export class LongwireError extends Error {
  override readonly name = "LongwireError";

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
