import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { type Closing, fold, initialJob, type JobState } from "../src/index.js";
import { type ConnectionQuality, classify, jitterOf, QualityMeter } from "../src/quality.js";
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

interface QualityVectors {
  jitter: { roundTripsMs: number[]; jitterMs: number | null }[];
  cases: {
    name: string;
    connected: boolean;
    roundTripMs?: number;
    jitterMs?: number;
    missed?: number;
    reconnectedMs?: number;
    quality: ConnectionQuality;
  }[];
  series: {
    name: string;
    steps: { atMs: number; current: ConnectionQuality; shown: ConnectionQuality }[];
  }[];
}

describe("the quality of a connection", () => {
  const vectors = read("quality") as QualityVectors;

  it.each(vectors.jitter)("jitter of $roundTripsMs", ({ roundTripsMs, jitterMs }) => {
    expect(jitterOf(roundTripsMs)).toBe(jitterMs);
  });

  it.each(vectors.cases)("$name", (measured) => {
    const { connected, roundTripMs = null, jitterMs = null, reconnectedMs = null } = measured;
    const { missed = 0, quality } = measured;
    const isConnected = connected;
    expect(classify({ isConnected, roundTripMs, jitterMs, missed, reconnectedMs })).toBe(quality);
  });

  it.each(vectors.series)("$name", ({ steps }) => {
    const meter = new QualityMeter();
    expect(steps.map(({ current, atMs }) => meter.update(current, atMs))).toEqual(
      steps.map(({ shown }) => shown),
    );
  });
});
