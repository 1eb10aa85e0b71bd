/** Codes of the errors that the client raises itself, in addition to the server's codes. */
export type ClientErrorCode = "timeout" | "disconnected" | "unreachable" | "outbox_full" | "http";

/** An error with a stable `code`: one of the server's, or a `ClientErrorCode`. */
export class LongwireError extends Error {
  override readonly name = "LongwireError";

  /** The error's stable code. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
