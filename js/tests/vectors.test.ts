import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { fold, initialJob, type JobState, type Position } from "../src/index.js";
import { Rooms } from "../src/rooms.js";
import { type Coverage, parseCoverage } from "../src/types.js";

interface Case {
  name: string;
  epoch: string;
  room: string;
  offset: number;
  frames: ({ position: string; verdict: "duplicate" | "apply" | "gap" } & Omit<Coverage, "room">)[];
  offsetAfter: number;
}

interface Entry {
  event: string;
  data: object;
}

type Frame = Omit<Coverage, "room"> & Entry;

interface Read {
  since: Position | null;
  offset: number;
  recovered: boolean;
  complete?: boolean;
  frames: Frame[];
}

interface Log {
  name: string;
  epoch: string;
  entries: Entry[];
  reads: Read[];
}

const file = new URL("../../tests/vectors/recovery.json", import.meta.url);
const { cursor, log: logs } = JSON.parse(readFileSync(file, "utf8")) as {
  cursor: Case[];
  log: Log[];
};

const OPTIONS = { joinTimeout: 1_000, reconnectionDelay: 1_000, reconnectionDelayMax: 30_000 };

/** Rooms of a server that accepts every join immediately. */
function openRooms({ epoch, room, offset }: Case): { rooms: Rooms; joins: unknown[][] } {
  const joins: unknown[][] = [];
  const rooms = new Rooms(
    {
      isSignedIn: true,
      send: (event, ...args) => {
        if (event !== "join_room") return;
        const answer = args.pop() as (ack: unknown) => void;
        joins.push(args);
        answer({ ok: true, room, epoch, offset, recovered: args.length > 1 });
      },
    },
    OPTIONS,
  );
  rooms.join(room);
  if (offset > 0) rooms.tryAdvance({ first: 1, last: offset, room });
  return { rooms, joins };
}

it.each(cursor)("recovers: $name", async (recovery) => {
  const { rooms, joins } = openRooms(recovery);
  for (const { position, verdict, ...coverage } of recovery.frames) {
    const parsed = parseCoverage(position) as Coverage;
    expect(parsed).toMatchObject(coverage);
    const asked = joins.length;
    const isAdmitted = rooms.tryAdvance(parsed);
    const seen = isAdmitted ? "apply" : joins.length > asked ? "gap" : "duplicate";
    expect(seen).toBe(verdict);
  }
  rooms.suspend();
  await rooms.resume([]);
  expect(joins.at(-1)).toEqual([
    recovery.room,
    { epoch: recovery.epoch, offset: recovery.offsetAfter },
  ]);
});

/** A reader of job 42 at the position where a read begins, which resumes from there. */
class Reader {
  readonly joins: unknown[][] = [];
  readonly resets: string[] = [];
  readonly rooms = new Rooms(
    { isSignedIn: true, send: (event, ...args) => this.#answer(event, args) },
    OPTIONS,
  );
  state = initialJob("42");
  /** The answer to the next join. */
  #next = { epoch: "", offset: 0, recovered: false };

  constructor({ epoch, entries }: Log, read: Read) {
    const { since } = read;
    this.#next = { epoch: since?.epoch ?? epoch, offset: since?.offset ?? 0, recovered: false };
    this.rooms.join("job:42");
    for (const [index, entry] of entries.slice(0, since?.offset ?? 0).entries()) {
      this.receive({ ...entry, first: index + 1, last: index + 1 });
    }
    this.rooms.resets.add((room) => {
      this.resets.push(room);
      this.state = initialJob("42");
    });
    this.#next = { epoch, offset: read.offset, recovered: read.recovered };
    this.comeBack();
  }

  comeBack(): void {
    this.rooms.suspend();
    void this.rooms.resume([]);
  }

  /** Returns whether the reader accepted the frame. */
  receive({ first, last, event, data }: Frame): boolean {
    const isNew = this.rooms.tryAdvance({ first, last, room: "job:42" });
    if (isNew) this.state = follow(this.state, event, data);
    return isNew;
  }

  #answer(event: string, args: unknown[]): void {
    if (event !== "join_room") return;
    const acknowledge = args.pop() as (ack: unknown) => void;
    this.joins.push(args);
    acknowledge({ ok: true, room: "job:42", ...this.#next });
  }
}

function follow(state: JobState, event: string, data: object): JobState {
  return fold(state, event, { jobId: "42", ...data });
}

/** Reads from positions that a reader of the log can have. */
const reads = logs.flatMap((log) =>
  log.reads
    .filter(({ since }) => !since || (since.offset >= 0 && since.offset <= log.entries.length))
    .map((read): [string, Log, Read] => [
      `${log.name}, from ${read.since?.offset ?? "nowhere"}`,
      log,
      read,
    ]),
);

describe.each(reads)("%s", (_name, log, read) => {
  it("is received once and completely after the reader's position", () => {
    const reader = new Reader(log, read);
    const { since, frames, recovered } = read;
    if (since && since.offset > 0) expect(reader.joins.at(-1)).toEqual(["job:42", since]);
    expect(reader.resets).toEqual(recovered && since ? [] : ["job:42"]);

    expect(frames.map((frame) => reader.receive(frame))).toEqual(frames.map(() => true));
    expect(frames.map((frame) => reader.receive(frame))).toEqual(frames.map(() => false));
    const asked = reader.joins.length;
    reader.comeBack();
    const end = frames.at(-1)?.last ?? (recovered ? since?.offset : 0) ?? 0;
    expect(reader.joins.slice(asked)).toEqual([["job:42", { epoch: log.epoch, offset: end }]]);
  });

  it("results in the same state as all entries in order", () => {
    const reader = new Reader(log, read);
    for (const frame of read.frames) reader.receive(frame);
    const count = read.complete === false ? (read.frames.at(-1)?.last ?? 0) : log.entries.length;
    const whole = log.entries
      .slice(0, count)
      .reduce((state, { event, data }) => follow(state, event, data), initialJob("42"));
    expect(reader.state).toEqual(whole);
  });

  it.each(read.frames.slice(1))(
    "is requested again when the frame before $first is lost",
    (frame) => {
      const reader = new Reader(log, read);
      const before = read.frames.slice(0, read.frames.indexOf(frame) - 1);
      for (const each of before) reader.receive(each);
      const asked = reader.joins.length;
      expect(reader.receive(frame)).toBe(false);
      const offset = before.at(-1)?.last ?? (read.recovered ? read.since?.offset : 0) ?? 0;
      expect(reader.joins.slice(asked)).toEqual([["job:42", { epoch: log.epoch, offset }]]);
    },
  );
});
