/**
 * The state of a job as a pure fold of its room's log, by the same rules as on the server.
 *
 * - `job:created` begins an attempt and resets everything except a title and owner that it omits.
 * - A terminal state is final until the next attempt; one event of the same outcome may still add
 *   its details.
 * - `job:failed` with the code `worker_lost` is the server's guess: the worker's next event in the
 *   same attempt revives the job.
 * - Progress is clamped to 0–100 and never decreases within an attempt; NaN is ignored.
 * - Error, result and estimate are cleared when they no longer apply.
 * - The output does not depend on how its text was split into events.
 *
 * `tests/vectors/jobs.json` has the cases that both implementations must pass.
 */

import type {
  JobCompletedEvent,
  JobCreatedEvent,
  JobFailedEvent,
  JobLeaseEvent,
  JobOutputEvent,
  JobProgressEvent,
  JobResult,
  JobStatus,
  JobStatusEvent,
  OutputType,
} from "./contract.js";

/** Streamed text of one type. */
export interface OutputChunk {
  /** The text. */
  readonly text: string;
  /** Null or absent if the job set none. */
  readonly type?: OutputType | null;
}

/** The state of a job. Null means unknown. */
export interface JobState {
  /** The job's id. */
  readonly jobId: string;
  /** `queued` until the job reports another status. */
  readonly status: JobStatus;
  /** The job's name. */
  readonly title: string | null;
  /** The user whose job it is; null for a job of everyone. */
  readonly owner: string | null;
  /** The number of this run of the job, from 1. */
  readonly attempt: number;
  /** Percent, 0–100. */
  readonly progress: number | null;
  /** What the job is doing, as it last reported. */
  readonly currentStep: string | null;
  /** The newest chunks of the streamed text. */
  readonly output: readonly OutputChunk[];
  /** Whether chunks were dropped from the start of `output`. */
  readonly outputTruncated: boolean;
  /** Whether the job marked its text as complete. */
  readonly outputComplete: boolean;
  /** The result of a completed job. */
  readonly result: JobResult | null;
  /** Why the job failed. */
  readonly error: string | null;
  /** The stable code of the error. */
  readonly errorCode: string | null;
  /** Whether another attempt may succeed. */
  readonly retryable: boolean | null;
  /** What the job cost, in the currency of the budget. */
  readonly cost: number | null;
  /** How long the job ran, in seconds. */
  readonly duration: number | null;
  /** The estimated time to completion, in seconds. */
  readonly estimatedCompletion: number | null;
  /** The seconds of silence after which the server treats the worker as lost. */
  readonly lease: number | null;
  /** Whether a user asked the job to stop. */
  readonly cancelRequested: boolean;
  /** When the attempt was created, in milliseconds since the epoch. */
  readonly createdAt: number | null;
  /** The time of the last event, in milliseconds since the epoch. */
  readonly updatedAt: number | null;
  /** Whether the attempt has ended: completed, failed or cancelled. */
  readonly isComplete: boolean;
  /** Whether the status is `running`. */
  readonly isRunning: boolean;
}

/** A chunk of the folded output holds at most this many characters. */
const CHUNK_LENGTH = 4096;
/** The text of one chunk. It does not end between the halves of a surrogate pair. */
const PIECE = /[^]{1,4096}(?![\udc00-\udfff])/g;

/** Returns the state of a job before its first event. */
export function initialJob(jobId: string): JobState {
  return {
    jobId,
    status: "queued",
    title: null,
    owner: null,
    attempt: 1,
    progress: null,
    currentStep: null,
    output: [],
    outputTruncated: false,
    outputComplete: false,
    result: null,
    error: null,
    errorCode: null,
    retryable: null,
    cost: null,
    duration: null,
    estimatedCompletion: null,
    lease: null,
    cancelRequested: false,
    createdAt: null,
    updatedAt: null,
    isComplete: false,
    isRunning: false,
  };
}

type Change = Partial<JobState> | null;

/**
 * Ends an attempt. An attempt that has ended only accepts the details of the same outcome.
 *
 * @param known the details that the state has already; null if it has none.
 */
function end(
  state: JobState,
  status: JobStatus,
  details: Partial<JobState>,
  known?: unknown,
): Change {
  if (state.isComplete && (state.status !== status || known !== null)) return null;
  const progress = status === "completed" ? 100 : state.progress;
  const ended = { estimatedCompletion: null, isComplete: true, isRunning: false };
  return { status, progress, ...ended, ...details };
}

function created(state: JobState, event: JobCreatedEvent): Change {
  return {
    ...initialJob(state.jobId),
    title: event.title ?? state.title,
    owner: event.owner ?? state.owner,
    attempt: event.attempt,
    createdAt: event.timestamp,
  };
}

function status(state: JobState, event: JobStatusEvent): Change {
  const { status, message } = event;
  const currentStep = message || state.currentStep;
  const isRunning = status === "running";
  if (isRunning || status === "queued") return { status, currentStep, isRunning };
  const error = status === "failed" ? (message ?? null) : null;
  return end(state, status, { currentStep, error });
}

function progress(state: JobState, event: JobProgressEvent): Change {
  if (!Number.isFinite(event.progress)) return null;
  return {
    progress: Math.min(Math.max(event.progress, state.progress ?? 0), 100),
    currentStep: event.currentStep || state.currentStep,
    estimatedCompletion: event.estimatedCompletion ?? null,
  };
}

function output(state: JobState, event: JobOutputEvent, limit: number): Change {
  const chunks = append(state.output, event.chunk, event.type ?? null);
  return {
    output: chunks.slice(-limit),
    outputTruncated: state.outputTruncated || chunks.length > limit,
    outputComplete: event.isComplete,
  };
}

function append(
  chunks: readonly OutputChunk[],
  text: string,
  type: OutputType | null,
): readonly OutputChunk[] {
  if (!text) return chunks;
  const tail = chunks.at(-1);
  const joins = tail && (tail.type ?? null) === type && tail.text.length < CHUNK_LENGTH;
  const pieces = (joins ? tail.text + text : text).match(PIECE) as string[];
  return [
    ...(joins ? chunks.slice(0, -1) : chunks),
    ...pieces.map((piece) => ({ text: piece, ...(type && { type }) })),
  ];
}

function completed(state: JobState, { result, cost, duration }: JobCompletedEvent): Change {
  return end(state, "completed", { result, cost, duration }, state.result);
}

function failed(state: JobState, { error, errorCode, retryable }: JobFailedEvent): Change {
  if (state.isComplete && errorCode === WORKER_LOST) return null;
  return end(state, "failed", { error, errorCode: errorCode ?? null, retryable }, state.retryable);
}

/** The code of a job whose worker stopped responding, as far as a server can know. */
const WORKER_LOST = "worker_lost";

/** What a worker that publishes again changes of a job that counted as lost. */
const REVIVED = {
  status: "running",
  isRunning: true,
  isComplete: false,
  error: null,
  errorCode: null,
  retryable: null,
} as const;

type Rule = (state: JobState, event: never, limit: number) => Change;

/** The events that a terminal state accepts: a new attempt, and the details of its outcome. */
const FINAL: Readonly<Record<string, Rule | undefined>> = {
  "job:created": created,
  "job:completed": completed,
  "job:failed": failed,
};

const RULES: typeof FINAL = {
  ...FINAL,
  "job:status": status,
  "job:progress": progress,
  "job:output": output,
  "job:lease": (_, event: JobLeaseEvent) => ({ lease: event.expiresIn }),
  "job:cancel": () => ({ cancelRequested: true }),
};

/** Returns the state that a word of a worker which counted as lost leads to. */
function revive(state: JobState, event: string, errorCode: unknown): JobState {
  const isLost = state.status === "failed" && state.errorCode === WORKER_LOST;
  const isWord = event !== "job:cancel" && errorCode !== WORKER_LOST;
  return isLost && isWord ? { ...state, ...REVIVED } : state;
}

/**
 * Returns the state after the next event of the job's log.
 *
 * An event of another job, and one that a terminal state ignores, returns the same object.
 *
 * @param outputLimit the number of output chunks to keep.
 */
export function fold(state: JobState, event: string, data: unknown, outputLimit = 1_000): JobState {
  const about = data as { jobId?: unknown; timestamp?: number; errorCode?: unknown } | null;
  if (about?.jobId !== state.jobId) return state;
  const revived = revive(state, event, about.errorCode);
  const rule = (revived.isComplete ? FINAL : RULES)[event];
  const change = rule?.(revived, data as never, outputLimit);
  if (!change) return state;
  return { ...revived, ...change, updatedAt: about.timestamp ?? state.updatedAt };
}
