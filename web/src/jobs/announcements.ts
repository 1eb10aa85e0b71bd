/** Texts that announce the start, progress and end of jobs to screen readers, without output. */

import type { JobState, JobStatus } from "longwire";

import { nameOf } from "./status";

/** The shortest time between two announcements of progress. */
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

/** Announces the start of a job, a quarter, half and three quarters of it, and its end. */
export class JobAnnouncer {
  #status: JobStatus | null = null;
  #attempt = 0;
  #milestone = 0;
  #announcedAt = -Infinity;

  /** Returns the announcement of a new state, or null. The first state is not announced. */
  next(job: JobState, now: number): string | null {
    const before = this.#status;
    const isNew = job.status !== before || job.attempt !== this.#attempt;
    this.#status = job.status;
    this.#attempt = job.attempt;
    if (before === null) this.#milestone = milestoneOf(job);
    if (before === null || !isNew) return before === null ? null : this.#progress(job, now);
    this.#milestone = milestoneOf(job);
    this.#announcedAt = now;
    return this.#statusChange(job);
  }

  #statusChange(job: JobState): string | null {
    if (job.status === "queued") return null;
    if (job.status === "running") return `${nameOf(job)} started.`;
    const reason = job.status === "failed" && job.error ? `: ${job.error}` : ".";
    return `${nameOf(job)} ${ENDS[job.status] ?? ""}${reason}`;
  }

  #progress(job: JobState, now: number): string | null {
    const milestone = milestoneOf(job);
    if (!job.isRunning || milestone <= this.#milestone || now - this.#announcedAt < GAP_MS)
      return null;
    this.#milestone = milestone;
    this.#announcedAt = now;
    const step = job.currentStep ? `, ${job.currentStep}` : "";
    return `${Math.floor(job.progress ?? milestone)} percent${step}.`;
  }
}

function sum(amount: number, words: string, name: string | undefined): string {
  return amount === 1 && name !== undefined ? `${name} ${words}` : `${amount} jobs ${words}`;
}

/** Announces the jobs of a list that started and ended since the last call, in one sentence. */
export class ListAnnouncer {
  #known: ReadonlyMap<string, JobStatus> | null = null;

  /** Returns the announcement of a new list, or null. The first list is not announced. */
  next(jobs: readonly JobState[]): string | null {
    const before = this.#known;
    this.#known = new Map(jobs.map((job) => [job.jobId, job.status]));
    if (before === null) return null;
    const changed = jobs.filter((job) => before.get(job.jobId) !== job.status);
    const parts = (["running", "completed", "failed", "cancelled"] as const).flatMap((status) => {
      const matching = changed.filter((job) => job.status === status);
      const [first] = matching;
      if (!first) return [];
      return [sum(matching.length, ENDS[status] ?? "started", nameOf(first))];
    });
    return parts.length === 0 ? null : `${parts.join(", ")}.`;
  }
}
