import type { Fault, JoinAck, Position, ServerToClientEvents } from "./contract.js";
import { LongwireError } from "./errors.js";
import { Listeners } from "./listeners.js";
import type { Coverage } from "./wire.js";

/** `left`: nobody here is in it. `joining`: asked for, or waiting for a connection. */
export type RoomStatus = "left" | "joining" | "joined" | "refused";

export interface RoomSnapshot {
  readonly status: RoomStatus;
  /** Why the server refused it. */
  readonly error: LongwireError | null;
}

/** What rooms need from a connection. */
export interface Sender {
  /** Whether requests reach the server now. */
  readonly isUp: boolean;
  send(event: string, ...args: unknown[]): void;
}

export type RoomError = Parameters<ServerToClientEvents["room_error"]>[0];
export type RoomReset = Parameters<ServerToClientEvents["room_reset"]>[0];

interface Room {
  readonly name: string;
  refs: number;
  snapshot: RoomSnapshot;
  /** Where to go on; null before the first answer, and for ever on a stock server. */
  position: Position | null;
  /** Where a first join starts. */
  readonly from: "now" | null;
  /** Names the join under way; the answer to an older one is void. */
  ticket: number;
  isPending: boolean;
}

const LEFT: RoomSnapshot = { status: "left", error: null };
const JOINING: RoomSnapshot = { status: "joining", error: null };
const JOINED: RoomSnapshot = { status: "joined", error: null };

/**
 * The rooms that a client is in, counted by who asked for them, with the position of each.
 *
 * Rooms outlive connections: they are joined when there is one, and resumed by the next.
 */
export class Rooms {
  /** Tells which room's snapshot changed. */
  readonly changes: Listeners<[room: string]> = new Listeners();
  /** Tells that a room's log comes whole from here on: what was derived from it is void. */
  readonly resets: Listeners<[room: string]> = new Listeners();
  readonly #rooms = new Map<string, Room>();
  #granted: readonly string[] = [];
  #pending = 0;
  #settled: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly sender: Sender,
    private readonly joinTimeout: number,
  ) {}

  snapshot(name: string): RoomSnapshot {
    return this.#rooms.get(name)?.snapshot ?? LEFT;
  }

  /** Joins, or counts one more who wants to be in. A refused room is asked for again. */
  join(name: string, from: "now" | null = null): void {
    const room = this.#rooms.get(name) ?? this.#add(name, from);
    room.refs++;
    this.#askUnlessJoined(room);
  }

  /** Leaves when everybody who joined has left. */
  leave(name: string): void {
    const room = this.#rooms.get(name);
    if (!room || --room.refs > 0) return;
    this.#void(room);
    this.#rooms.delete(name);
    if (this.sender.isUp) this.sender.send("leave_room", name);
    this.changes.emit(name);
  }

  /** Forgets a room's position and takes its log whole. */
  reread(name: string): void {
    const room = this.#rooms.get(name);
    if (!room) return;
    room.position = null;
    if (this.sender.isUp) this.#ask(room);
  }

  /** Signed in: joins the rooms that came with it and all others; resolves when answered. */
  resume(granted: readonly string[]): Promise<void> {
    const before = this.#granted;
    this.#granted = granted;
    for (const name of granted) this.join(name);
    for (const name of before) this.leave(name);
    this.retry();
    return this.#whenSettled();
  }

  /** Asks again for the rooms that were refused. */
  retry(): void {
    for (const room of this.#rooms.values()) this.#askUnlessJoined(room);
  }

  /** The transport is gone: every room waits for the next one. */
  down(): void {
    for (const room of this.#rooms.values()) {
      this.#void(room);
      this.#show(room, JOINING);
    }
    this.#settle();
  }

  /** Whether an event is the next of its room; moves the room's position if it is. */
  admit(coverage: Coverage): boolean {
    const room = this.#rooms.get(coverage.room);
    // What comes before the answer to a join is left over from before, or comes again after it.
    if (!room?.position || room.isPending) return false;
    const { epoch, offset } = room.position;
    const isDuplicate = coverage.last <= offset;
    const isGap = coverage.first > offset + 1;
    if (isDuplicate) return false;
    if (isGap) this.#ask(room);
    else room.position = { epoch, offset: coverage.last };
    return !isGap;
  }

  /** The server's `room_error`: a membership that ended, or a join refused. */
  receiveError({ room: name, error }: RoomError): void {
    const room = this.#rooms.get(name);
    if (room) this.#refuse(room, error);
  }

  /** The server's `room_reset`: the log began anew and comes whole. */
  receiveReset({ room: name, epoch }: RoomReset): void {
    const room = this.#rooms.get(name);
    if (room) this.#restart(room, epoch, 0);
  }

  #add(name: string, from: "now" | null): Room {
    const snapshot = JOINING;
    const room: Room = { name, refs: 0, snapshot, position: null, from, ticket: 0, isPending: false };
    this.#rooms.set(name, room);
    this.changes.emit(name);
    return room;
  }

  #askUnlessJoined(room: Room): void {
    const isWanted = room.snapshot.status !== "joined" && !room.isPending;
    if (isWanted && this.sender.isUp) this.#ask(room);
  }

  #ask(room: Room): void {
    this.#void(room);
    room.isPending = true;
    this.#pending++;
    if (room.snapshot.status === "refused") this.#show(room, JOINING);
    const ticket = room.ticket;
    const start = room.position ?? room.from;
    this.sender.send("join_room", room.name, ...(start ? [start] : []), (ack?: JoinAck) => {
      if (ticket === room.ticket) this.#answer(room, ack);
    });
  }

  #answer(room: Room, ack: JoinAck | undefined): void {
    this.#void(room);
    if (ack?.ok === false) this.#refuse(room, ack.error);
    else {
      // A stock server answers nothing of use: the room has no position then.
      if (ack?.epoch) this.#place(room, ack);
      this.#show(room, JOINED);
    }
    if (this.#pending === 0) this.#settle();
  }

  #place(room: Room, ack: JoinAck & { ok: true }): void {
    if (ack.recovered && room.position) return;
    const skipsHistory = room.from === "now" && !room.position;
    this.#restart(room, ack.epoch, skipsHistory ? ack.offset : 0);
  }

  #restart(room: Room, epoch: string, offset: number): void {
    room.position = { epoch, offset };
    this.resets.emit(room.name);
  }

  #refuse(room: Room, error: Fault): void {
    this.#show(room, { status: "refused", error: new LongwireError(error.code, error.message) });
  }

  #void(room: Room): void {
    room.ticket++;
    if (room.isPending) this.#pending--;
    room.isPending = false;
  }

  #show(room: Room, snapshot: RoomSnapshot): void {
    if (room.snapshot === snapshot) return;
    room.snapshot = snapshot;
    this.changes.emit(room.name);
  }

  #whenSettled(): Promise<void> {
    this.#settle();
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settled = resolve;
      this.#timer = setTimeout(() => this.#settle(), this.joinTimeout);
    });
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#settled?.();
    this.#settled = null;
  }
}
