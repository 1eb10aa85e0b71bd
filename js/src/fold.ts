/**
 * The state of a job: a pure fold of its room's log, by the same rules as on the server.
 *
 * - `job:created` begins an attempt: all is reset but the title and owner that it leaves out.
 * - A terminal state is final until the next attempt; only the event that says the same adds its
 *   details.
 * - Progress is clamped to 0–100 and never goes back within an attempt; NaN is ignored.
 * - Error, result and estimate never outlive what they belong to.
 * - Output does not depend on how its text was cut into events.
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

/** A piece of streamed text of one type. */
export interface OutputChunk {
  readonly text: string;
  readonly type?: OutputType | null;
}

/** What is known about a job; null means that nobody has said. */
export interface JobState {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly title: string | null;
  readonly owner: string | null;
  /** Counts the runs of the same job, from 1. */
  readonly attempt: number;
  /** Percent, 0–100. */
  readonly progress: number | null;
  readonly currentStep: string | null;
  /** The newest chunks of its streamed text. */
  readonly output: readonly OutputChunk[];
  readonly outputTruncated: boolean;
  readonly outputComplete: boolean;
  readonly result: JobResult | null;
  readonly error: string | null;
  readonly errorCode: string | null;
  readonly retryable: boolean | null;
  readonly cost: number | null;
  /** Seconds. */
  readonly duration: number | null;
  /** Seconds that it expects to need still. */
  readonly estimatedCompletion: number | null;
  /** Seconds of silence after which its worker counts as lost. */
  readonly lease: number | null;
  readonly cancelRequested: boolean;
  /** Milliseconds since the epoch, like `updatedAt`. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
  readonly isComplete: boolean;
  readonly isRunning: boolean;
}

/** A chunk of the folded output holds at most this many characters. */
const CHUNK_LENGTH = 4096;
/** As much of a text as a chunk holds; both halves of a surrogate pair stay together. */
const PIECE = /[^]{1,4096}(?![\udc00-\udfff])/g;

/** The state of a job of which nothing is known. */
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

/** Ends an attempt; only the event that says the same adds its details to what has ended. */
function end(
  state: JobState,
  status: JobStatus,
  details: Partial<JobState>,
  told?: unknown,
): Change {
  if (state.isComplete && (state.status !== status || told !== null)) return null;
  const progress = status === "completed" ? 100 : state.progress;
  const over = { estimatedCompletion: null, isComplete: true, isRunning: false };
  return { status, progress, ...over, ...details };
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
  return end(state, "failed", { error, errorCode: errorCode ?? null, retryable }, state.retryable);
}

type Rule = (state: JobState, event: never, limit: number) => Change;

/** What a terminal state still takes: a new attempt, and details of the end. */
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

/**
 * The state after one more event of the job's log. An event that is not about this job, or that a
 * terminal state no longer takes, leaves the state as it is (the same object).
 */
export function fold(state: JobState, event: string, data: unknown, outputLimit = 1_000): JobState {
  const about = data as { jobId?: unknown; timestamp?: number } | null;
  const rule = (state.isComplete ? FINAL : RULES)[event];
  if (!rule || about?.jobId !== state.jobId) return state;
  const change = rule(state, data as never, outputLimit);
  if (!change) return state;
  return { ...state, ...change, updatedAt: about.timestamp ?? state.updatedAt };
}
