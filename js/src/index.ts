/**
 * A typed, framework-free client of a Longwire server, or of any Socket.IO server.
 *
 * @module longwire
 */

export { type ClientCounters, createClient, WebSocketClient } from "./client.js";
export type { ConnectionSnapshot } from "./connection.js";
export * from "./contract.js";
export { type ClientErrorCode, LongwireError, PublishError } from "./errors.js";
export { fold, initialJob, type JobState, type OutputChunk } from "./fold.js";
export type { JobList, JobsSnapshot } from "./jobList.js";
export type { JobSnapshot, JobTracker } from "./jobTracker.js";
export type { ClientConfig, ClientOptions, Settings, TokenSource } from "./options.js";
export type { PublishOptions } from "./publisher.js";
export type {
  KeyField,
  Payload,
  ReceivedEvents,
  ReceivedName,
  Register,
  RegisteredEvents,
  SentEvents,
} from "./registration.js";
export type { RoomFollower, RoomSnapshot, RoomStatus } from "./rooms.js";
export type { Readable } from "./store.js";
export type {
  CallResult,
  ControlEvents,
  ControlRequests,
  EmitArgs,
  EventMap,
  Incoming,
  Outgoing,
  Publishable,
} from "./types.js";
