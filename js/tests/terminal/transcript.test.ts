import { describe, expect, it } from "vitest";

import { Transcript, type TranscriptSnapshot } from "../../src/terminal/transcript.js";

function text(snapshot: TranscriptSnapshot): string[][] {
  return snapshot.sections.map((section) =>
    section.blocks.flatMap((block) => block.rows.map((row) => row.map((run) => run.text).join(""))),
  );
}

describe("a transcript", () => {
  it("separates the types, and joins chunks of one type", () => {
    const transcript = new Transcript();
    transcript.write("hm", "thinking");
    transcript.write("m\n", "thinking");
    transcript.write("Answer", "writing");
    transcript.write("grep x", "tool_call");
    const snapshot = transcript.snapshot();
    expect(snapshot.sections.map((section) => section.type)).toEqual([
      "thinking",
      "writing",
      "tool_call",
    ]);
    expect(text(snapshot)).toEqual([["hmm"], ["Answer"], ["grep x"]]);
    expect(snapshot.lines).toBe(3);
  });

  it("is the same object until something is written", () => {
    const transcript = new Transcript();
    transcript.write("a", "writing");
    const before = transcript.snapshot();
    transcript.write("", "writing");
    expect(transcript.snapshot()).toBe(before);
    transcript.write("b", "writing");
    expect(transcript.snapshot()).not.toBe(before);
  });

  it("keeps blocks that did not change", () => {
    const transcript = new Transcript();
    transcript.write("line\n".repeat(450), "writing");
    const before = transcript.snapshot().sections[0]?.blocks ?? [];
    transcript.write("more\n", "writing");
    const after = transcript.snapshot().sections[0]?.blocks ?? [];
    expect(before).toHaveLength(3);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    expect(after[2]).not.toBe(before[2]);
    expect(after[2]?.rows).toHaveLength(51);
  });

  it("does not depend on how the text is split", () => {
    const whole = Array.from({ length: 700 }, (_, index) => `${index}\r>\n`).join("");
    const once = new Transcript();
    once.write(whole, "writing");
    const bits = new Transcript();
    for (let at = 0; at < whole.length; at += 13) {
      bits.write(whole.slice(at, at + 13), "writing");
      bits.snapshot();
    }
    expect(text(bits.snapshot())).toEqual(text(once.snapshot()));
  });

  it("updates a block whose lines were overwritten", () => {
    const transcript = new Transcript();
    transcript.write(`${"line\n".repeat(199)}bar 1\nbar 2\n`, "writing");
    transcript.snapshot();
    transcript.write("\x1b[2Aone\n", "writing");
    expect(text(transcript.snapshot())[0]?.slice(198)).toEqual(["line", "one 1", "bar 2"]);
  });

  it("drops the oldest lines beyond the limit", () => {
    const transcript = new Transcript();
    transcript.write("old\n".repeat(1_000), "thinking");
    for (let part = 0; part < 26; part += 1) transcript.write("new\n".repeat(10_000), "writing");
    transcript.write("last", "writing");
    const snapshot = transcript.snapshot();
    expect(snapshot.lines).toBeLessThanOrEqual(250_000);
    expect(snapshot.lines).toBeGreaterThan(249_000);
    expect(snapshot.lines + snapshot.dropped).toBe(261_001);
    expect(text(snapshot).at(-1)?.at(-1)).toBe("last");
    const ids = snapshot.sections.flatMap((section) => section.blocks.map((block) => block.id));
    expect(new Set(ids).size).toBe(ids.length);
    transcript.write("\nmore", "writing");
    expect(text(transcript.snapshot()).at(-1)?.slice(-2)).toEqual(["last", "more"]);
  });

  it("drops the oldest sections beyond the limit", () => {
    const transcript = new Transcript();
    for (let step = 0; step < 3_000; step++) {
      transcript.write(`step ${step}\n`, step % 2 ? "thinking" : "tool_call");
    }
    const snapshot = transcript.snapshot();
    expect(snapshot.sections).toHaveLength(2_000);
    expect(snapshot).toMatchObject({ lines: 2_000, dropped: 1_000 });
    expect(text(snapshot)[0]).toEqual(["step 1000"]);
  });

  it("returns the plain text", () => {
    const transcript = new Transcript();
    transcript.write("\x1b[31mred\x1b[0m\nnext", "writing");
    transcript.write("then", "thinking");
    expect(transcript.text()).toBe("red\nnext\nthen\n");
  });

  it("starts over", () => {
    const transcript = new Transcript();
    transcript.write("old", "writing");
    transcript.clear();
    expect(transcript.snapshot()).toEqual({ sections: [], lines: 0, dropped: 0 });
  });
});
