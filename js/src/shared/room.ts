import type { WebSocketClient } from "../client.js";
import type { Position } from "../contract.js";
import { Listeners } from "../listeners.js";
import { ruleOf } from "../rules.js";
import type { Json } from "./json.js";

/** The newest value of an event and key in a log. */
export interface Entry {
  readonly value: Json;
  readonly position: Position;
}

/** The part of a client that shared values use. */
export type SharedClient = Pick<
  WebSocketClient,
  | "connection"
  | "settings"
  | "isConnected"
  | "publish"
  | "joinRoom"
  | "leaveRoom"
  | "room"
  | "followRoom"
  | "replayRoom"
>;

/** Returns the identity of a value in its room. */
export function slotOf(event: string, fields: readonly string[], data: Json): string {
  return JSON.stringify([event, ...fields.map((field) => data[field])]);
}

/** The newest entries of a room's events that replace or merge into each other. */
export class SharedRoom {
  /** Notifies of the slot of a new entry; null means a change of the room or the connection. */
  readonly changes: Listeners<[slot: string | null]> = new Listeners();
  /** Notifies that the user has changed: nothing of the previous one may remain. */
  readonly userChanges: Listeners = new Listeners();
  /** The shared values of the room by slot. */
  readonly values = new Map<string, object>();
  readonly #client: SharedClient;
  readonly #name: string;
  readonly #active: Map<string, SharedRoom>;
  #holders = 0;
  #stop: (() => void) | null = null;
  #entries = new Map<string, Entry>();
  /** The entries before a replay; they are shown until it has repeated them. */
  #before = new Map<string, Entry>();
  #isLoaded = false;
  #userId: string | null = null;

  /** @param active the client's rooms by name, to which this one belongs while it is held. */
  constructor(client: SharedClient, name: string, active: Map<string, SharedRoom>) {
    this.#client = client;
    this.#name = name;
    this.#active = active;
  }

  /** Whether every retained entry is known. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Whether the entries are those of the log's end, and publications reach it. */
  get isLive(): boolean {
    const { status } = this.#client.room(this.#name).getSnapshot();
    return this.#isLoaded && status === "live" && this.#client.isConnected();
  }

  /** Returns the newest entry of a slot; null if there is none. */
  entry(slot: string): Entry | null {
    return this.#entries.get(slot) ?? this.#before.get(slot) ?? null;
  }

  /** Returns the newest values of an event, one for each key, in the order of the log. */
  latest(event: string): Json[] {
    const prefix = JSON.stringify([event]).slice(0, -1);
    return [...new Map([...this.#before, ...this.#entries])]
      .filter(([slot]) => slot.startsWith(prefix))
      .map(([, entry]) => entry)
      .sort((a, b) => a.position.offset - b.position.offset)
      .map(({ value }) => value);
  }

  /** Takes over an entry that an answer of the server named. */
  learn(slot: string, entry: Entry): void {
    const known = this.#entries.get(slot)?.position;
    const { epoch, offset } = entry.position;
    if (known?.epoch === epoch && known.offset >= offset) return;
    this.#entries.set(slot, entry);
    this.changes.emit(slot);
  }

  /** Joins the room until the returned function is called, and the option `linger` longer. */
  hold(): () => void {
    if (this.#holders++ === 0) this.#stop ??= this.#start();
    let isHeld = true;
    return () => {
      if (isHeld) setTimeout(() => this.#release(), this.#client.settings.linger);
      isHeld = false;
    };
  }

  #release(): void {
    if (--this.#holders > 0) return;
    this.#stop?.();
    this.#stop = null;
  }

  #start(): () => void {
    const client = this.#client;
    const room = client.room(this.#name);
    const isJoined = room.getSnapshot().status !== null;
    this.#userId = client.connection.getSnapshot().userId;
    const stops = [
      client.followRoom(this.#name, {
        onEntry: (event, data, position) => this.#receive(event, data as Json, position),
        onReset: () => this.#reset(),
      }),
      room.subscribe(() => this.#handleChange()),
      client.connection.subscribe(() => this.#handleChange()),
    ];
    this.#active.set(this.#name, this);
    client.joinRoom(this.#name);
    // The entries that came before have to be read again.
    if (isJoined) client.replayRoom(this.#name);
    return () => {
      for (const stop of stops) stop();
      client.leaveRoom(this.#name);
      if (this.#active.get(this.#name) === this) this.#active.delete(this.#name);
      this.#forget();
    };
  }

  #receive(event: string, value: Json, position: Position): void {
    const conflation = ruleOf(event, this.#client.settings.events)?.conflate;
    // Of events that do not replace each other, the newest is kept for `latest`.
    const key = conflation && conflation.rule !== "concat" ? conflation.key : [];
    const slot = slotOf(event, key, value);
    this.#entries.set(slot, { value, position });
    this.changes.emit(slot);
  }

  #reset(): void {
    this.#before = new Map([...this.#before, ...this.#entries]);
    this.#entries = new Map();
    this.#isLoaded = false;
    this.#handleChange();
  }

  #handleChange(): void {
    const { userId } = this.#client.connection.getSnapshot();
    const before = this.#userId;
    this.#userId = userId;
    if (before !== null && before !== userId) {
      this.#forget();
      this.userChanges.emit();
    }
    const { status } = this.#client.room(this.#name).getSnapshot();
    if (status === "live" && !this.#isLoaded) {
      this.#isLoaded = true;
      this.#before = new Map();
    }
    this.changes.emit(null);
  }

  #forget(): void {
    this.#entries = new Map();
    this.#before = new Map();
    this.#isLoaded = false;
  }
}

const rooms = new WeakMap<object, Map<string, SharedRoom>>();

/** Returns the room with this name of a client; everything that reads it shares it. */
export function roomOf(client: SharedClient, name: string): SharedRoom {
  let active = rooms.get(client);
  if (!active) {
    active = new Map();
    rooms.set(client, active);
  }
  let room = active.get(name);
  if (!room) {
    room = new SharedRoom(client, name, active);
    active.set(name, room);
  }
  return room;
}
