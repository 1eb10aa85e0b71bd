import { describe, expect, it } from "vitest";

import { fold, initialJob } from "../../src/index.js";
import { OutputTranscript } from "../../src/terminal/outputTranscript.js";
import type { TranscriptSnapshot } from "../../src/terminal/transcript.js";

const TEXT = Array.from({ length: 3_000 }, (_, index) => `${index} wörds 😀 and\tmore\n`).join("");

/** A job's output as the client folds it. */
class Writer {
  readonly transcript = new OutputTranscript();
  readonly #limit: number;
  job = initialJob("42");

  constructor(limit = 1_000) {
    this.#limit = limit;
  }

  write(chunk: string, type?: "thinking" | "tool_call"): void {
    this.#fold("job:output", { chunk, isComplete: false, ...(type && { type }) });
  }

  startAttempt(attempt: number): void {
    this.#fold("job:created", { attempt });
  }

  #fold(event: string, data: object): void {
    this.job = fold(this.job, event, { jobId: "42", timestamp: 1, ...data }, this.#limit);
  }

  snapshot(): TranscriptSnapshot {
    return this.transcript.follow(this.job.output);
  }

  shown(): string {
    this.snapshot();
    return this.transcript.text();
  }
}

describe("a job's transcript", () => {
  it.each([1, 7, 1_000, 40_000])("has every character of chunks of length %d", (length) => {
    const writer = new Writer();
    const characters = Array.from(TEXT);
    const step = Math.max(length, 100);
    for (let at = 0; at < characters.length; at += step) {
      writer.write(characters.slice(at, at + step).join(""));
      if (at % 7 === 0) writer.snapshot();
    }
    expect(writer.shown()).toBe(TEXT);
  });

  it("separates the types, and treats a chunk without one as writing", () => {
    const writer = new Writer();
    writer.write("hm", "thinking");
    writer.write("grep", "tool_call");
    writer.write("Answer");
    const types = writer.snapshot().sections.map((section) => section.type);
    expect(types).toEqual(["thinking", "tool_call", "writing"]);
  });

  it("is the same object as long as nothing is written", () => {
    const writer = new Writer();
    writer.write("a");
    const before = writer.snapshot();
    writer.job = { ...writer.job, progress: 10 };
    expect(writer.snapshot()).toBe(before);
  });

  it("starts over with a new attempt", () => {
    const writer = new Writer();
    writer.write("first\n");
    expect(writer.shown()).toBe("first\n");
    writer.startAttempt(2);
    expect(writer.shown()).toBe("");
    writer.write("second\n");
    expect(writer.shown()).toBe("second\n");
  });

  it("starts over when another log replaced the first", () => {
    const writer = new Writer();
    writer.write("first run, first line\n");
    writer.shown();
    writer.startAttempt(2);
    writer.write("second run\n");
    expect(writer.shown()).toBe("second run\n");
  });

  it("keeps its text when the job drops its oldest chunks", () => {
    const writer = new Writer(4);
    const pieces = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(5_000, ".") + "\n");
    for (const piece of pieces) {
      writer.write(piece);
      writer.snapshot();
    }
    expect(writer.shown()).toBe(pieces.join(""));
  });

  it("shows an older output again after an abandoned render", () => {
    const writer = new Writer();
    writer.write("one\n");
    const { output } = writer.job;
    writer.write("two\n");
    expect(writer.shown()).toBe("one\ntwo\n");
    writer.transcript.follow(output);
    expect(writer.transcript.text()).toBe("one\n");
    expect(writer.shown()).toBe("one\ntwo\n");
  });
});
