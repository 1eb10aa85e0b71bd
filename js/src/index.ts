export { createClient, WebSocketClient } from "./client.js";
export type { ConnectionSnapshot, Identity } from "./connection.js";
export * from "./contract.js";
export { type ClientErrorCode, LongwireError } from "./errors.js";
export { fold, initialJob, type JobState, type OutputChunk } from "./fold.js";
export type { JobHandle, JobSnapshot } from "./job.js";
export type { JobList, JobsSnapshot } from "./jobs.js";
export type { ClientConfig, ClientOptions, TokenSource } from "./options.js";
export type { RoomSnapshot, RoomStatus } from "./rooms.js";
export type { Readable } from "./store.js";
export type {
  CallResult,
  ClosingAdvice,
  ControlEvents,
  EmitArgs,
  Incoming,
  Outgoing,
} from "./wire.js";
