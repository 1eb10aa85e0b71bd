import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { Rooms } from "../src/rooms.js";
import { type Coverage, parseCoverage } from "../src/wire.js";

interface Case {
  name: string;
  epoch: string;
  room: string;
  offset: number;
  frames: ({ position: string; verdict: "duplicate" | "apply" | "gap" } & Omit<Coverage, "room">)[];
  offsetAfter: number;
}

const file = new URL("../../tests/vectors/recovery.json", import.meta.url);
const { cursor } = JSON.parse(readFileSync(file, "utf8")) as { cursor: Case[] };

/** Rooms whose server grants everything at once. */
function openRooms({ epoch, room, offset }: Case): { rooms: Rooms; joins: unknown[][] } {
  const joins: unknown[][] = [];
  const rooms = new Rooms(
    {
      isUp: true,
      send: (_event, ...args) => {
        const answer = args.pop() as (ack: unknown) => void;
        joins.push(args);
        answer({ ok: true, room, epoch, offset, recovered: args.length > 1 });
      },
    },
    1_000,
  );
  rooms.join(room);
  if (offset > 0) rooms.admit({ first: 1, last: offset, room });
  return { rooms, joins };
}

it.each(cursor)("recovers as every other reader does: $name", async (recovery) => {
  const { rooms, joins } = openRooms(recovery);
  for (const { position, verdict, ...coverage } of recovery.frames) {
    const parsed = parseCoverage(position) as Coverage;
    expect(parsed).toMatchObject(coverage);
    const asked = joins.length;
    const isAdmitted = rooms.admit(parsed);
    const seen = isAdmitted ? "apply" : joins.length > asked ? "gap" : "duplicate";
    expect(seen).toBe(verdict);
  }
  rooms.down();
  await rooms.resume([]);
  expect(joins.at(-1)).toEqual([
    recovery.room,
    { epoch: recovery.epoch, offset: recovery.offsetAfter },
  ]);
});
