import type { Fault, Position } from "./contract.js";

/** Codes of the errors that the client raises itself, in addition to the server's codes. */
export type ClientErrorCode =
  | "timeout"
  | "disconnected"
  | "unreachable"
  | "outbox_full"
  | "expired"
  | "unconfirmed"
  | "http";

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

/** The server refused a publication; `code` is the server's. */
export class PublishError extends LongwireError {
  /** For `conflict`: where the current value is; null if there is none. */
  readonly position: Position | null;

  /** For `conflict`: the current value. */
  readonly value: unknown;

  /** For `invalid_event` and `invalid_request`: the JSON path of the invalid field. */
  readonly path: string | undefined;

  /** For `stale_attempt`: the job's current attempt. */
  readonly attempt: number | undefined;

  constructor(fault: Fault) {
    super(fault.code, fault.message);
    this.position = fault.position ?? null;
    this.value = fault.value;
    this.path = fault.path;
    this.attempt = fault.attempt;
  }
}
