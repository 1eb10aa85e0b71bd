export { type BackoffOptions, backoff } from "./backoff.js";
export { createClient, WebSocketClient } from "./client.js";
export type { ConnectionSnapshot, Identity } from "./connection.js";
export type * from "./contract.js";
export { type ClientErrorCode, LongwireError } from "./errors.js";
export { fold, initialJob, type JobState, type OutputChunk, type OutputType } from "./fold.js";
export type { JobHandle, JobSnapshot } from "./job.js";
export type { JobList, JobsSnapshot } from "./jobs.js";
export type { ConnectionState } from "./machine.js";
export type { ClientConfig, ClientOptions, TokenSource } from "./options.js";
export type { RoomSnapshot, RoomStatus } from "./rooms.js";
export type { Readable } from "./store.js";
export type {
  CallResult,
  ClosingAdvice,
  ConnectionEvents,
  EmitArgs,
  Incoming,
  JoinAck,
  Outgoing,
  Position,
  WireError,
} from "./wire.js";
