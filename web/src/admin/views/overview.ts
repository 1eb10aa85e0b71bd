/** Derives the figures and the charts of the overview from what the nodes report. */

import type { Node, Sample } from "../api/types";
import type { Sample as Value } from "../chart/series";

export interface Totals {
  readonly connections: number;
  readonly users: number;
  readonly rooms: number;
  readonly lagging: number;
  readonly missing: number;
  readonly memory: number;
  /** The part of all resumes that continued at their position, 0 to 1; null without resumes. */
  readonly recovered: number | null;
}

function sum(nodes: readonly Node[], of: (node: Node) => number): number {
  return nodes.reduce((total, node) => total + of(node), 0);
}

/** Returns the sums over the nodes that answered. */
export function totalsOf(nodes: readonly Node[]): Totals {
  const here = nodes.filter((node) => !node.isMissing);
  const resumes = sum(here, (node) => node.resumes);
  const resets = sum(here, (node) => node.resets);
  return {
    connections: sum(here, (node) => node.connections),
    users: sum(here, (node) => node.users),
    rooms: sum(here, (node) => node.rooms),
    lagging: sum(here, (node) => node.lagging),
    missing: nodes.length - here.length,
    memory: sum(here, (node) => node.memory),
    recovered: resumes + resets === 0 ? null : resumes / (resumes + resets),
  };
}

/** One line of a chart over all nodes, with samples at equal distances. */
export interface Timeline {
  readonly until: number;
  readonly period: number;
  readonly connections: readonly Value[];
  readonly published: readonly Value[];
  readonly deliveries: readonly Value[];
  readonly resumes: readonly Value[];
  readonly resets: readonly Value[];
  readonly loopDelay: readonly Value[];
}

type Counter = "published" | "deliveries" | "resumes" | "resets";

const SHORTEST_MS = 1_000;
const LONGEST = 900;

/** Returns the usual distance between the samples of a node. */
function periodOf(all: readonly (readonly Sample[])[]): number {
  const distances: number[] = [];
  for (const samples of all) {
    samples.forEach((sample, index) => {
      const before = samples[index - 1];
      if (before !== undefined) distances.push(sample.at - before.at);
    });
  }
  distances.sort((a, b) => a - b);
  return Math.max(SHORTEST_MS, distances[Math.floor(distances.length / 2)] ?? SHORTEST_MS);
}

/** Adds up in slots of one period; a slot without a value of any node stays empty. */
class Slots {
  readonly values: Value[];

  constructor(length: number) {
    this.values = new Array<Value>(length).fill(null);
  }

  put(index: number, value: number, combine: (a: number, b: number) => number): void {
    if (index < 0 || index >= this.values.length) return;
    const present = this.values[index] ?? null;
    this.values[index] = present === null ? value : combine(present, value);
  }
}

const add = (a: number, b: number): number => a + b;

/** Joins the samples of all nodes. Counters become rates; the delay is that of the slowest node. */
export function timelineOf(samplesByNode: Readonly<Record<string, readonly Sample[]>>): Timeline {
  const all = Object.values(samplesByNode);
  const period = periodOf(all);
  const times = all.flatMap((samples) => samples.map((sample) => sample.at));
  const until = times.length === 0 ? 0 : Math.max(...times);
  const from = times.length === 0 ? 0 : Math.min(...times);
  const length = Math.min(
    LONGEST,
    times.length === 0 ? 0 : Math.round((until - from) / period) + 1,
  );
  const slot = (at: number): number => length - 1 - Math.round((until - at) / period);
  const [connections, loopDelay] = [new Slots(length), new Slots(length)];
  const rates: Record<Counter, Slots> = {
    published: new Slots(length),
    deliveries: new Slots(length),
    resumes: new Slots(length),
    resets: new Slots(length),
  };
  for (const samples of all) {
    // The clocks of timers drift: a node has at most one sample in a slot.
    const taken = new Set<number>();
    samples.forEach((sample, position) => {
      const index = slot(sample.at);
      if (taken.has(index)) return;
      taken.add(index);
      connections.put(index, sample.connections, add);
      loopDelay.put(index, sample.loopDelay, Math.max);
      const before = samples[position - 1];
      if (before === undefined || sample.at <= before.at) return;
      for (const name of ["published", "deliveries", "resumes", "resets"] as const) {
        // A counter that fell belongs to a process that has started since.
        const grown = Math.max(0, sample[name] - before[name]);
        rates[name].put(index, (grown * 1_000) / (sample.at - before.at), add);
      }
    });
  }
  return {
    until,
    period,
    connections: connections.values,
    loopDelay: loopDelay.values,
    published: rates.published.values,
    deliveries: rates.deliveries.values,
    resumes: rates.resumes.values,
    resets: rates.resets.values,
  };
}
