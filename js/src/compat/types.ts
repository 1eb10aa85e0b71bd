import type {
  ConnectionEvents,
  ServerToClientEvents,
  JobCompletedEvent as TypedJobCompletedEvent,
  JobResult as TypedJobResult,
} from "../index.js";

export type {
  AgentStatus,
  AgentStatusEvent,
  AgentType,
  AssetCreatedEvent,
  AssetStatusEvent,
  BudgetUpdatedEvent,
  BudgetWarningEvent,
  CampaignMetrics,
  CampaignMetricsEvent,
  ConnectionState,
  ContentAsset,
  ContentStatus,
  JobFailedEvent,
  JobOutputEvent,
  JobProgressEvent,
  JobStatus,
  JobStatusEvent,
} from "../index.js";

/** The result of a completed job. */
export interface JobResult extends Omit<TypedJobResult, "metrics"> {
  /** Figures; the specification does not type them. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- code of the specification reads them unchecked
  metrics?: Record<string, any>;
}

/** A job has completed successfully. */
export interface JobCompletedEvent extends Omit<TypedJobCompletedEvent, "result"> {
  /** The job's result. */
  result: JobResult;
}

/** The events of both directions, by name, each with the type of its handler. */
export interface SocketEvents
  extends Omit<ServerToClientEvents, "job:completed">,
    ConnectionEvents {
  /** A job has completed successfully. */
  "job:completed": (data: JobCompletedEvent) => void;
  /** Replaces the token. */
  auth: (token: string) => void;
  /** Joins a room. */
  join_room: (room: string) => void;
  /** Leaves a room. */
  leave_room: (room: string) => void;
  /** Measures the round trip. */
  ping: () => void;
}

/** A function that handles an event. */
export type EventHandler<T extends keyof SocketEvents> = (
  ...args: Parameters<SocketEvents[T]>
) => void;
