import { expect, it } from "vitest";

import type { Node, Sample } from "../../src/admin/api/types";
import { timelineOf, totalsOf } from "../../src/admin/views/overview";

function sample(at: number, change: Partial<Sample> = {}): Sample {
  return {
    at,
    connections: 0,
    rooms: 0,
    published: 0,
    deliveries: 0,
    resumes: 0,
    resets: 0,
    loopDelay: 0,
    ...change,
  };
}

function node(change: Partial<Node>): Node {
  return {
    name: "a",
    isMissing: false,
    isDraining: false,
    version: "1",
    since: 0,
    connections: 0,
    users: 0,
    sessions: 0,
    rooms: 0,
    lagging: 0,
    cpu: 0,
    memory: 0,
    loopDelay: 0,
    brokerDelay: null,
    contract: "c",
    published: {},
    refused: {},
    deliveries: 0,
    replayed: 0,
    resumes: 0,
    resets: 0,
    signedIn: 0,
    refusedSignIns: {},
    closed: {},
    ...change,
  };
}

it("adds up the nodes that answered", () => {
  const totals = totalsOf([
    node({ connections: 3, resumes: 9, resets: 1 }),
    node({ connections: 4, memory: 5 }),
    node({ connections: 100, isMissing: true }),
  ]);
  expect(totals).toMatchObject({ connections: 7, memory: 5, missing: 1, recovered: 0.9 });
});

it("has no recovery rate before the first resume", () => {
  expect(totalsOf([node({})]).recovered).toBeNull();
});

it("joins the samples of nodes whose timers differ, and turns counters into rates", () => {
  const lines = timelineOf({
    a: [
      sample(10_000, { connections: 1, published: 0 }),
      sample(20_000, { connections: 2, published: 50 }),
      sample(30_000, { connections: 3, published: 60, loopDelay: 0.2 }),
    ],
    b: [
      sample(21_000, { connections: 10, deliveries: 100, loopDelay: 0.5 }),
      sample(31_000, { connections: 10, deliveries: 300, loopDelay: 0.1 }),
    ],
  });
  expect(lines.period).toBe(10_000);
  expect(lines.connections).toEqual([1, 12, 13]);
  expect(lines.published).toEqual([null, 5, 1]);
  expect(lines.deliveries).toEqual([null, 0, 20]);
  expect(lines.loopDelay).toEqual([0, 0.5, 0.2]);
});

it("counts nothing for a process that started over", () => {
  const lines = timelineOf({
    a: [sample(0, { published: 100 }), sample(1_000, { published: 5 })],
  });
  expect(lines.published).toEqual([null, 0]);
});

it("is empty without samples", () => {
  expect(timelineOf({}).connections).toEqual([]);
});
