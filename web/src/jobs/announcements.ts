/** What a screen reader is told of jobs: what matters, when it matters, never the output. */

import type { JobState, JobStatus } from "longwire";

import { nameOf } from "./status";

/** Progress is told at most so often. */
const GAP_MS = 7_000;
const MILESTONES = [75, 50, 25] as const;

const ENDS: Readonly<Partial<Record<JobStatus, string>>> = {
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
};

function milestoneOf(job: JobState): number {
  return MILESTONES.find((milestone) => (job.progress ?? 0) >= milestone) ?? 0;
}

/** Follows one job: its start, a quarter, half, three quarters, its end. */
export class JobAnnouncer {
  #status: JobStatus | null = null;
  #attempt = 0;
  #milestone = 0;
  #toldAt = -Infinity;

  /** What to say about a new state of the job; null for nothing. What was there at first is not news. */
  next(job: JobState, now: number): string | null {
    const before = this.#status;
    const isNew = job.status !== before || job.attempt !== this.#attempt;
    this.#status = job.status;
    this.#attempt = job.attempt;
    if (before === null) this.#milestone = milestoneOf(job);
    if (before === null || !isNew) return before === null ? null : this.#progress(job, now);
    this.#milestone = milestoneOf(job);
    this.#toldAt = now;
    return this.#turn(job);
  }

  #turn(job: JobState): string | null {
    if (job.status === "queued") return null;
    if (job.status === "running") return `${nameOf(job)} started.`;
    const reason = job.status === "failed" && job.error ? `: ${job.error}` : ".";
    return `${nameOf(job)} ${ENDS[job.status] ?? ""}${reason}`;
  }

  #progress(job: JobState, now: number): string | null {
    const milestone = milestoneOf(job);
    if (!job.isRunning || milestone <= this.#milestone || now - this.#toldAt < GAP_MS) return null;
    this.#milestone = milestone;
    this.#toldAt = now;
    const step = job.currentStep ? `, ${job.currentStep}` : "";
    return `${Math.floor(job.progress ?? milestone)} percent${step}.`;
  }
}

function sum(amount: number, words: string, name: string | undefined): string {
  return amount === 1 && name !== undefined ? `${name} ${words}` : `${amount} jobs ${words}`;
}

/** Follows a list: how many began and ended since the last look, in one sentence. */
export class ListAnnouncer {
  #known: ReadonlyMap<string, JobStatus> | null = null;

  next(jobs: readonly JobState[]): string | null {
    const before = this.#known;
    this.#known = new Map(jobs.map((job) => [job.jobId, job.status]));
    if (before === null) return null;
    const changed = jobs.filter((job) => before.get(job.jobId) !== job.status);
    const parts = (["running", "completed", "failed", "cancelled"] as const).flatMap((status) => {
      const those = changed.filter((job) => job.status === status);
      const [first] = those;
      if (!first) return [];
      return [sum(those.length, ENDS[status] ?? "started", nameOf(first))];
    });
    return parts.length === 0 ? null : `${parts.join(", ")}.`;
  }
}
