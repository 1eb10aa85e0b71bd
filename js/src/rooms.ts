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
  /** The join under way; the answer to an older one is void. */
  join: object | null;
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
  /** Ends the wait for the answers that are still to come. */
  #settle = (): void => undefined;

  readonly #sender: Sender;
  readonly #joinTimeout: number;

  constructor(sender: Sender, joinTimeout: number) {
    this.#sender = sender;
    this.#joinTimeout = joinTimeout;
  }

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
    if (this.#sender.isUp) this.#sender.send("leave_room", name);
    this.changes.emit(name);
  }

  /** Forgets a room's position and takes its log whole. */
  reread(name: string): void {
    const room = this.#rooms.get(name);
    if (!room) return;
    room.position = null;
    if (this.#sender.isUp) this.#ask(room);
  }

  /** Signed in: joins the rooms that came with it and all others; resolves when answered. */
  async resume(granted: readonly string[] = this.#granted): Promise<void> {
    const before = this.#granted;
    this.#granted = granted;
    for (const name of granted) this.join(name);
    for (const name of before) this.leave(name);
    this.retry();
    this.#settle();
    if (this.#pending === 0) return;
    let timer;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      timer = setTimeout(resolve, this.#joinTimeout);
    });
    clearTimeout(timer);
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

  /** Begins every room anew when it is next joined. */
  forget(): void {
    for (const room of this.#rooms.values()) room.position = null;
    this.down();
  }

  /** Whether an event is the next of its room; moves the room's position if it is. */
  admit(coverage: Coverage): boolean {
    const room = this.#rooms.get(coverage.room);
    // What comes before the answer to a join is left over from before, or comes again after it.
    if (!room?.position || room.join) return false;
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
    const room = name === null ? undefined : this.#rooms.get(name);
    if (room) this.#refuse(room, error);
  }

  /** The server's `room_reset`: the log began anew and comes whole. */
  receiveReset({ room: name, epoch }: RoomReset): void {
    const room = this.#rooms.get(name);
    if (room) this.#restart(room, epoch, 0);
  }

  #add(name: string, from: "now" | null): Room {
    const snapshot = JOINING;
    const room: Room = { name, refs: 0, snapshot, position: null, from, join: null };
    this.#rooms.set(name, room);
    this.changes.emit(name);
    return room;
  }

  #askUnlessJoined(room: Room): void {
    const isWanted = room.snapshot.status !== "joined" && !room.join;
    if (isWanted && this.#sender.isUp) this.#ask(room);
  }

  #ask(room: Room): void {
    this.#void(room);
    const join = (room.join = {});
    this.#pending++;
    if (room.snapshot.status === "refused") this.#show(room, JOINING);
    const start = room.position ?? room.from;
    this.#sender.send("join_room", room.name, ...(start ? [start] : []), (ack?: JoinAck) => {
      if (join === room.join) this.#answer(room, ack);
    });
  }

  #answer(room: Room, ack: JoinAck | undefined): void {
    this.#void(room);
    if (ack?.ok === false) this.#refuse(room, ack.error);
    else {
      // A stock server answers nothing of use: the room has no position then.
      if (ack?.epoch && !(ack.recovered && room.position)) {
        const skipsHistory = room.from && !room.position;
        this.#restart(room, ack.epoch, skipsHistory ? ack.offset : 0);
      }
      this.#show(room, JOINED);
    }
    if (this.#pending === 0) this.#settle();
  }

  #restart(room: Room, epoch: string, offset: number): void {
    room.position = { epoch, offset };
    this.resets.emit(room.name);
  }

  #refuse(room: Room, error: Fault): void {
    this.#show(room, { status: "refused", error: new LongwireError(error.code, error.message) });
  }

  #void(room: Room): void {
    if (room.join) this.#pending--;
    room.join = null;
  }

  #show(room: Room, snapshot: RoomSnapshot): void {
    if (room.snapshot === snapshot) return;
    room.snapshot = snapshot;
    this.changes.emit(room.name);
  }
}
