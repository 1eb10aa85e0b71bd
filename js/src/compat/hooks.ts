import { useMemo } from "react";

import type { ConnectionState, JobStatus, WebSocketClient as LongwireClient } from "../index.js";
import { useClient } from "../react/provider.js";
import { useJobProgress as useJob } from "../react/useJobProgress.js";
import { useWebSocket as useConnection } from "../react/useWebSocket.js";
import { WebSocketClient } from "./client.js";
import type { JobResult } from "./types.js";

/** The connection under the names of the specification. */
export interface WebSocketView {
  /** The connection's state. */
  connectionState: ConnectionState;
  /** Whether the state is `connected`. */
  isConnected: boolean;
  /** Why the client is not connected. */
  error: Error | null;
  /** Adds an event handler; returns a function that removes it. */
  subscribe: WebSocketClient["on"];
  /** Joins a room. */
  joinRoom: WebSocketClient["joinRoom"];
  /** Leaves a room. */
  leaveRoom: WebSocketClient["leaveRoom"];
  /** Sends an event. */
  emit: WebSocketClient["emit"];
}

const clients = new WeakMap<LongwireClient, WebSocketClient>();

function clientOf(client: LongwireClient): WebSocketClient {
  const known = clients.get(client) ?? new WebSocketClient(client);
  clients.set(client, known);
  return known;
}

/** Returns the connection's state and stable functions; works without a provider. */
export function useWebSocket(): WebSocketView {
  const client = clientOf(useClient());
  const { connectionState, isConnected, error } = useConnection();
  const actions = useMemo(
    () => ({
      subscribe: ((event, handler) => client.on(event, handler)) satisfies WebSocketClient["on"],
      joinRoom: client.joinRoom.bind(client),
      leaveRoom: client.leaveRoom.bind(client),
      emit: ((event, ...args) => client.emit(event, ...args)) satisfies WebSocketClient["emit"],
    }),
    [client],
  );
  return useMemo(
    () => ({ connectionState, isConnected, error, ...actions }),
    [connectionState, isConnected, error, actions],
  );
}

/** A job's progress without nulls: before anything is known it looks like a queued job. */
export interface JobProgress {
  /** The job's status. */
  status: JobStatus;
  /** Percent, 0–100. */
  progress: number;
  /** A description of the current step. */
  currentStep: string;
  /** The streamed text; adjacent chunks of one kind are one entry. */
  output: string[];
  /** The result of a completed job. */
  result: JobResult | null;
  /** Why the job failed, or why the server denied its room. */
  error: string | null;
  /** In the currency of the budget. */
  cost: number;
  /** Seconds. */
  duration: number;
  /** The estimated seconds to completion. */
  estimatedCompletion: number | null;
  /** Whether the job has ended: completed, failed or cancelled. */
  isComplete: boolean;
  /** Whether the job is running. */
  isRunning: boolean;
  /** Discards the derived state and reads the job's log again. */
  reset: () => void;
}

/** Returns a job's progress, output and outcome; works without a provider. Null tracks no job. */
export function useJobProgress(jobId: string | null): JobProgress {
  const job = useJob(jobId);
  return useMemo(
    () => ({
      ...job,
      status: job.status ?? "queued",
      progress: job.progress ?? 0,
      currentStep: job.currentStep ?? "Initializing...",
      output: [...job.output],
      cost: job.cost ?? 0,
      duration: job.duration ?? 0,
    }),
    [job],
  );
}
