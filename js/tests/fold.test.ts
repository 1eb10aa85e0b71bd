import { describe, expect, it } from "vitest";

import { fold, initialJob, type JobState } from "../src/index.js";

type Event = [event: string, data: Record<string, unknown>];

function foldAll(...events: Event[]): JobState {
  return events.reduce(
    (state, [event, data]) => fold(state, event, { jobId: "1", ...data }),
    initialJob("1"),
  );
}

const running: Event = ["job:status", { status: "running" }];
const percent = (progress: number): Event => ["job:progress", { progress, currentStep: "s" }];
const text = (chunk: string, type?: string): Event => [
  "job:output",
  { chunk, isComplete: false, ...(type && { type }) },
];
const done: Event = ["job:completed", { result: { content: "x" }, cost: 1, duration: 2 }];
const failed: Event = ["job:failed", { error: "boom", errorCode: "e", retryable: true }];

describe("progress", () => {
  it("is null until the job reports it (D61)", () => {
    expect(initialJob("1")).toMatchObject({
      progress: null,
      currentStep: null,
      cost: null,
      duration: null,
      isComplete: false,
    });
  });

  it("never decreases within an attempt, is clamped, and ignores NaN (D58)", () => {
    expect(foldAll(percent(80), percent(30)).progress).toBe(80);
    expect(foldAll(percent(150)).progress).toBe(100);
    expect(foldAll(percent(-5)).progress).toBe(0);
    expect(foldAll(percent(5), percent(NaN)).progress).toBe(5);
  });

  it("loses its estimate at the end (D61)", () => {
    const late: Event = ["job:progress", { progress: 1, currentStep: "s", estimatedCompletion: 9 }];
    expect(foldAll(late).estimatedCompletion).toBe(9);
    expect(foldAll(late, done).estimatedCompletion).toBeNull();
  });
});

describe("the end", () => {
  it("is final until the next attempt (D57)", () => {
    const state = foldAll(running, done);
    expect(foldAll(running, done, running, percent(3), text("x"), failed)).toEqual(state);
    expect(state).toMatchObject({ status: "completed", progress: 100, isComplete: true });
  });

  it("includes cancellation (D59)", () => {
    const cancelled: Event = ["job:status", { status: "cancelled", message: "by you" }];
    expect(foldAll(running, percent(5), cancelled)).toMatchObject({
      isComplete: true,
      isRunning: false,
      progress: 5,
      currentStep: "by you",
    });
  });

  it("accepts the details of an outcome that a status reported before", () => {
    const status: Event = ["job:status", { status: "failed", message: "went wrong" }];
    expect(foldAll(status)).toMatchObject({ error: "went wrong", retryable: null });
    expect(foldAll(status, failed)).toMatchObject({ error: "boom", retryable: true });
    const completed: Event = ["job:status", { status: "completed" }];
    expect(foldAll(completed, done)).toMatchObject({ result: { content: "x" }, cost: 1 });
    expect(foldAll(completed, failed).error).toBeNull();
  });
});

describe("a new attempt", () => {
  const created: Event = ["job:created", { attempt: 2, timestamp: 5 }];

  it("clears error, result, progress and output (D60)", () => {
    const state = foldAll(running, text("a"), failed, created);
    expect(state).toMatchObject({ status: "queued", error: null, output: [], attempt: 2 });
    expect(state).toMatchObject({ retryable: null, errorCode: null, createdAt: 5 });
  });

  it("keeps the title and owner that it omits", () => {
    const first: Event = ["job:created", { attempt: 1, title: "T", owner: "ada" }];
    expect(foldAll(first, created)).toMatchObject({ title: "T", owner: "ada" });
  });
});

describe("output", () => {
  it("separates types of text (D55)", () => {
    expect(
      foldAll(text("hm", "thinking"), text("Answer", "writing"), text("!", "writing")),
    ).toEqual(
      expect.objectContaining({
        output: [
          { text: "hm", type: "thinking" },
          { text: "Answer!", type: "writing" },
        ],
      }),
    );
  });

  it("reports whether the text is complete (D56)", () => {
    const last: Event = ["job:output", { chunk: "", isComplete: true }];
    expect(foldAll(text("a")).outputComplete).toBe(false);
    expect(foldAll(text("a"), last)).toMatchObject({
      output: [{ text: "a" }],
      outputComplete: true,
    });
  });

  it("does not depend on how the text was split into events", () => {
    const whole = "0123456789".repeat(2_000);
    const once = foldAll(text(whole)).output;
    const pieces = whole.match(/.{1,777}/g) ?? [];
    expect(foldAll(...pieces.map((piece) => text(piece))).output).toEqual(once);
    expect(once.map((chunk) => chunk.text).join("")).toBe(whole);
  });

  it("does not split surrogate pairs", () => {
    const whole = `x${"😀".repeat(4_000)}`;
    const { output } = foldAll(text(whole));
    expect(output.length).toBeGreaterThan(1);
    for (const chunk of output) expect(() => encodeURI(chunk.text)).not.toThrow();
  });

  it("keeps the newest chunks and reports that it is truncated (E69)", () => {
    let state = initialJob("1");
    for (let count = 0; count < 30; count++) {
      const type = count % 2 ? "writing" : "thinking";
      const data = { jobId: "1", chunk: `${count}`, isComplete: count === 29, type };
      state = fold(state, "job:output", data, 10);
    }
    expect(state.output).toHaveLength(10);
    expect(state.output.at(-1)?.text).toBe("29");
    expect(state).toMatchObject({ outputTruncated: true, outputComplete: true });
  });
});

it("ignores other jobs, unknown events and what changes nothing", () => {
  const state = foldAll(running);
  expect(fold(state, "job:progress", { jobId: "2", progress: 9, currentStep: "" })).toBe(state);
  expect(fold(state, "job:unheard_of", { jobId: "1" })).toBe(state);
  expect(fold(state, "job:progress", null)).toBe(state);
});

it("includes the lease, the cancel request and the time of the last event", () => {
  const lease: Event = ["job:lease", { expiresIn: 15, timestamp: 77 }];
  expect(foldAll(lease)).toMatchObject({ lease: 15, updatedAt: 77 });
  expect(foldAll(["job:cancel", {}])).toMatchObject({ cancelRequested: true });
  expect(foldAll(done, lease, ["job:cancel", {}])).toMatchObject({
    lease: null,
    cancelRequested: false,
  });
});
