import { type BackoffOptions, backoff } from "./backoff.js";
import type { Fault, JoinAck, Position, RoomError, RoomReset } from "./contract.js";
import { LongwireError } from "./errors.js";
import { Listeners } from "./listeners.js";
import type { Coverage } from "./types.js";

/**
 * The state of a room that this client joined; the Python client uses the same words.
 *
 * - `joining`: the join is pending, waits for a connection, or is retried because the server cannot
 *   read the room's log at the moment.
 * - `catching_up`: joined; the server replays the events that this client missed.
 * - `live`: joined, with every event up to the end of the room's log.
 * - `denied`: the server rejected the join or ended the membership. The client asks again with the
 *   next connection, with the next token, and on `retry()`.
 * - `lost`: the connection is gone; the next one resumes the room.
 */
export type RoomStatus = "joining" | "catching_up" | "live" | "denied" | "lost";

/** A room's state at one moment. */
export interface RoomSnapshot {
  /** Null for a room that this client has not joined. */
  readonly status: RoomStatus | null;
  /** Why the server denied the room. */
  readonly error: LongwireError | null;
}

/** Callbacks for a room's log. */
export interface RoomFollower {
  /** An entry, or several merged ones; the position is that of the last. */
  onEntry(event: string, data: unknown, position: Position): void;
  /** The retained log follows from its start: discard what was derived from it. */
  onReset(): void;
}

/** The part of a connection that rooms use. */
export interface Sender {
  /** Whether a request reaches the server now. */
  readonly isSignedIn: boolean;
  send(event: string, ...args: unknown[]): void;
}

/** The options that rooms read. */
export interface RoomOptions extends BackoffOptions {
  /** How long `resume` waits for the answers to its joins, in milliseconds. */
  readonly joinTimeout: number;
}

interface Room {
  readonly name: string;
  /** Joins without a matching leave. */
  references: number;
  snapshot: RoomSnapshot;
  /** The last event received; null before the first answer, and always on a stock server. */
  position: Position | null;
  /** The end of the log when the room was joined: the replay leads up to it. */
  end: number;
  /** The last event that handlers received, while `replay` repeats events for followers. */
  handled: Position | null;
  /** `"now"` if the first join skips the retained events. */
  readonly from: "now" | null;
  /** The pending join. Answers to earlier joins are ignored. */
  join: object | null;
  /** Joins in a row that failed because the server could not read the log. */
  failures: number;
  retryTimer: ReturnType<typeof setTimeout> | undefined;
}

const NOT_JOINED: RoomSnapshot = Object.freeze({ status: null, error: null });
const JOINING: RoomSnapshot = Object.freeze({ status: "joining", error: null });

/**
 * The rooms of a client: reference counts, positions, joins and resumes.
 *
 * Rooms outlive connections. A room joined offline is joined by the next connection, and a room of
 * a lost connection resumes after the last event that it received.
 */
export class Rooms {
  /** How often a room continued at its position, and how often its log was read again. */
  readonly counts = { resumed: 0, reset: 0 };
  /** Notifies of a room whose snapshot changed. */
  readonly changes: Listeners<[room: string]> = new Listeners();
  /** Notifies of a room whose whole log is replayed: state derived from it must be discarded. */
  readonly resets: Listeners<[room: string]> = new Listeners();
  readonly #entries = new Listeners<
    [room: string, event: string, data: unknown, position: Position]
  >();
  readonly #sender: Sender;
  readonly #options: RoomOptions;
  readonly #rooms = new Map<string, Room>();
  #granted: readonly string[] = [];
  #pending = 0;
  /** Resolves the promise of `resume` early. */
  #resolveResume = (): void => undefined;

  constructor(sender: Sender, options: RoomOptions) {
    this.#sender = sender;
    this.#options = options;
  }

  snapshot(name: string): RoomSnapshot {
    return this.#rooms.get(name)?.snapshot ?? NOT_JOINED;
  }

  /** Joins a room, or adds a reference to a joined one. Retries a denied room. */
  join(name: string, from: "now" | null = null): void {
    const room = this.#rooms.get(name) ?? this.#add(name, from);
    room.references++;
    this.#askUnlessJoined(room);
  }

  /** Drops a reference; the last one leaves the room. */
  leave(name: string): void {
    const room = this.#rooms.get(name);
    if (!room || --room.references > 0) return;
    this.#cancelJoin(room);
    this.#rooms.delete(name);
    if (this.#sender.isSignedIn) this.#sender.send("leave_room", name);
    this.changes.emit(name);
  }

  /** Discards a room's position and requests its whole log. */
  reread(name: string): void {
    const room = this.#rooms.get(name);
    if (!room) return;
    room.position = room.handled = null;
    if (this.#sender.isSignedIn) this.#ask(room);
  }

  /** Requests a room's whole log for its followers only. */
  replay(name: string): void {
    const room = this.#rooms.get(name);
    // Without a position, the pending join or the next one requests the whole log anyway.
    if (!room?.position) return;
    const { position, handled } = room;
    const isBehind = handled?.epoch === position.epoch && handled.offset > position.offset;
    this.reread(name);
    room.handled = isBehind ? handled : position;
  }

  /** Calls back for a room's entries until the returned function is called. */
  follow(name: string, follower: RoomFollower): () => void {
    const stops = [
      this.#entries.add((room, ...entry) => {
        if (room === name) follower.onEntry(...entry);
      }),
      this.resets.add((room) => {
        if (room === name) follower.onReset();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /**
   * Joins every room after signing in: those that the server granted, and those joined before.
   * Resolves when all joins are answered, at the latest after `joinTimeout`.
   */
  async resume(granted: readonly string[] = this.#granted): Promise<void> {
    const before = this.#granted;
    this.#granted = granted;
    for (const name of granted) this.join(name);
    for (const name of before) this.leave(name);
    this.retry();
    this.#resolveResume();
    if (this.#pending === 0) return;
    let timer;
    await new Promise<void>((resolve) => {
      this.#resolveResume = resolve;
      timer = setTimeout(resolve, this.#options.joinTimeout);
    });
    clearTimeout(timer);
  }

  /** Sends a join for every room that is neither joined nor being joined. */
  retry(): void {
    for (const room of this.#rooms.values()) this.#askUnlessJoined(room);
  }

  /** Suspends every room until the next connection. */
  suspend(): void {
    for (const room of this.#rooms.values()) {
      this.#cancelJoin(room);
      if (room.snapshot.status !== "joining") this.#show(room, "lost");
    }
    this.#resolveResume();
  }

  /** Discards every position, so that another user reads each room from its start. */
  forget(): void {
    this.suspend();
    for (const room of this.#rooms.values()) {
      room.position = room.handled = null;
      this.#show(room, "joining");
    }
  }

  /**
   * Advances a room past an event if that is the next one, hands it to the room's followers, and
   * returns whether it is.
   *
   * A duplicate returns false. So does an event after a gap, which requests a replay of everything
   * after the room's position.
   */
  tryAdvance(coverage: Coverage, event = "", data?: unknown): boolean {
    const room = this.#rooms.get(coverage.room);
    // Events that arrive before the answer to a join belong to an earlier membership, or the replay
    // after the answer repeats them.
    if (!room?.position || room.join) return false;
    const { epoch, offset } = room.position;
    if (coverage.last <= offset) return false;
    if (coverage.first > offset + 1) {
      this.#ask(room);
      return false;
    }
    const position = { epoch, offset: coverage.last };
    // Followers have the last event of a replay when the room becomes live.
    this.#entries.emit(room.name, event, data, position);
    this.#moveTo(room, position);
    return true;
  }

  /** Returns whether handlers received an event before, so that it is repeated for followers only. */
  isRepeated({ room: name, last }: Coverage): boolean {
    const room = this.#rooms.get(name);
    if (!room?.handled) return false;
    const { epoch, offset } = room.handled;
    if (epoch === room.position?.epoch && last <= offset) return true;
    room.handled = null;
    return false;
  }

  /** Handles `room_error`: a membership ended, or a join was rejected. */
  receiveError({ room: name, error }: RoomError): void {
    const room = name === null ? undefined : this.#rooms.get(name);
    if (room) this.#reject(room, error);
  }

  /** Handles `room_reset`: the room has another log, which the server replays from its start. */
  receiveReset({ room: name, epoch, offset }: RoomReset): void {
    const room = this.#rooms.get(name);
    if (!room) return;
    this.counts.reset++;
    room.end = offset;
    this.#moveTo(room, { epoch, offset: 0 });
    this.resets.emit(name);
  }

  #add(name: string, from: "now" | null): Room {
    const room: Room = {
      name,
      references: 0,
      snapshot: JOINING,
      position: null,
      end: 0,
      handled: null,
      from,
      join: null,
      failures: 0,
      retryTimer: undefined,
    };
    this.#rooms.set(name, room);
    this.changes.emit(name);
    return room;
  }

  #askUnlessJoined(room: Room): void {
    const { status } = room.snapshot;
    const isJoined = status === "live" || status === "catching_up";
    if (!isJoined && !room.join && this.#sender.isSignedIn) this.#ask(room);
  }

  #ask(room: Room): void {
    this.#cancelJoin(room);
    this.#showAsking(room);
    const join = {};
    room.join = join;
    this.#pending++;
    const start = room.position ?? room.from;
    this.#sender.send("join_room", room.name, ...(start ? [start] : []), (ack?: JoinAck) => {
      if (join === room.join) this.#receiveAnswer(room, ack);
    });
  }

  #receiveAnswer(room: Room, ack: JoinAck | undefined): void {
    this.#cancelJoin(room);
    if (ack?.ok === false) this.#reject(room, ack.error);
    else this.#accept(room, ack);
    if (this.#pending === 0) this.#resolveResume();
  }

  #accept(room: Room, ack: Extract<JoinAck, { ok: true }> | undefined): void {
    room.failures = 0;
    // A stock server sends no position: the room cannot be resumed and is live at once.
    if (!ack?.epoch) {
      this.#show(room, "live");
      return;
    }
    const { epoch, offset: end } = ack;
    const before = ack.recovered ? room.position : null;
    this.#count(room, before);
    const position = before ?? { epoch, offset: room.from && !room.position ? end : 0 };
    room.end = end;
    this.#moveTo(room, { ...position });
    if (!before) this.resets.emit(room.name);
    if (room.snapshot.status === "catching_up") this.#expectReplay(room);
  }

  /** Counts a room that was joined before, unless its log is replayed on request. */
  #count(room: Room, before: Position | null): void {
    if (room.position && !room.handled) this.counts[before ? "resumed" : "reset"]++;
  }

  /**
   * Marks a room as live if its replay is empty, because retention dropped every event. The first
   * replayed event would precede the pong.
   */
  #expectReplay(room: Room): void {
    const { position } = room;
    this.#sender.send("ping", () => {
      if (room.position === position && !room.join) this.#show(room, "live");
    });
  }

  #moveTo(room: Room, position: Position): void {
    room.position = position;
    this.#show(room, position.offset < room.end ? "catching_up" : "live");
  }

  #reject(room: Room, { code, message }: Fault): void {
    if (code === "broker_unavailable") this.#askLater(room);
    else this.#show(room, "denied", new LongwireError(code, message));
  }

  /** Retries a join while the server cannot read the room's log. */
  #askLater(room: Room): void {
    this.#cancelJoin(room);
    this.#showAsking(room);
    const delay = backoff(++room.failures, this.#options, Math.random());
    room.retryTimer = setTimeout(() => this.#ask(room), delay);
  }

  #cancelJoin(room: Room): void {
    if (room.join) this.#pending--;
    room.join = null;
    clearTimeout(room.retryTimer);
  }

  #showAsking(room: Room): void {
    const { status } = room.snapshot;
    if (status === "denied") this.#show(room, "joining");
    if (status === "live") this.#show(room, "catching_up");
  }

  #show(room: Room, status: RoomStatus, error: LongwireError | null = null): void {
    if (room.snapshot.status === status && !error) return;
    room.snapshot = Object.freeze({ status, error });
    this.changes.emit(room.name);
  }
}
