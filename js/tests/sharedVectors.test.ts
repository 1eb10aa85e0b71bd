import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { type Closing, fold, initialJob, type JobState } from "../src/index.js";
import { startPair } from "./fixtures.js";
import { until } from "./server.js";

function read(name: string): unknown {
  const file = new URL(`../../tests/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}

interface FoldCase {
  name: string;
  events: { event: string; data: unknown; ignored?: boolean }[];
  state: Partial<JobState>;
}

const jobs = read("jobs") as { initial: JobState; cases: FoldCase[] };

describe("the fold of a job", () => {
  it("starts with the initial state", () => {
    expect(initialJob("42")).toEqual(jobs.initial);
  });

  it.each(jobs.cases)("$name", ({ events, state: expected }) => {
    let state = initialJob("42");
    for (const { event, data, ignored = false } of events) {
      const folded = fold(state, event, data);
      expect(folded === state).toBe(ignored);
      state = folded;
    }
    expect(state).toEqual({ ...jobs.initial, ...expected });
  });
});

interface AdviceCase {
  name: string;
  closing: Closing | null;
  hasTokenProvider: boolean;
  reconnects: boolean;
  /** Seconds. */
  waitsAtLeast: number;
}

/** Delays long enough to see the state before the next attempt. */
const NEVER = { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 };

describe("the server's advice", () => {
  it.each((read("advice") as { cases: AdviceCase[] }).cases)("$name", async (advice) => {
    const { closing, hasTokenProvider, reconnects, waitsAtLeast } = advice;
    const token = hasTokenProvider ? () => "ada" : "ada";
    const { server, client } = await startPair({ client: { token, ...NEVER } });
    const before = Date.now();
    if (closing) server.kick({ ...closing });
    else server.cut();
    await until(() => !client.isConnected());
    const { state, nextRetryAt } = client.connection.getSnapshot();
    expect(state).toBe(reconnects ? "reconnecting" : "error");
    if (reconnects) expect(nextRetryAt).toBeGreaterThanOrEqual(before + waitsAtLeast * 1_000);
  });
});
