/**
 * A server in memory, for tests of an application.
 *
 * @module longwire/testing
 */

// The CommonJS build of socket.io-client does not export its transports.
import { WebSocket as WebSocketTransport } from "engine.io-client";

import {
  type ClientOptions,
  CONTRACT_FINGERPRINT,
  type EventRule,
  type Fault,
  type Payload,
  type Position,
  type PublishAck,
  type PublishRequest,
  type ReceivedName,
} from "./index.js";
import { type Ack, MemoryLink } from "./memoryLink.js";
import { roomOf, ruleOf } from "./rules.js";
import { isEqual, type Json, mergePatch } from "./shared/json.js";
import { slotOf } from "./shared/room.js";

interface Log {
  readonly epoch: string;
  readonly frames: [event: string, data: object][];
  /** The offsets of publications by their ids. */
  readonly ids: Map<string, number>;
}

interface Newest {
  readonly position: Position;
  readonly value: object;
}

interface Client {
  readonly rooms: Set<string>;
  contract?: string | undefined;
}

/** An event that a client sent, with its arguments. */
export type Sent = readonly [event: string, ...args: unknown[]];

/**
 * A Longwire server in memory, for tests of an application. The real client uses the real protocol
 * with it, and no socket is opened. The server accepts every token, keeps a log of each room and
 * resumes rooms. Clients may publish everything. It has no HTTP interface, so `useJobs` reports an error.
 *
 * ```ts
 * const server = new TestServer();
 * const client = createClient("http://test", server.options);
 * server.publish("job:1", "job:progress", { jobId: "1", progress: 42, currentStep: "writing" });
 * ```
 */
export class TestServer {
  /** The events that clients sent, oldest first. */
  readonly sent: Sent[] = [];
  /** Rooms to deny, also to publications, with the code of the error. */
  readonly denied = new Map<string, string>();
  /** Acknowledgements by event; the default is `{ ok: true }`. */
  readonly answers = new Map<string, (...args: unknown[]) => unknown>();
  /** The `EVENTS` of an own contract: rooms and merge rules of what clients publish. */
  events: Readonly<Record<string, EventRule>> = {};
  /** The fingerprint of the server's contract; clients of another contract report `otherContract`. */
  contract: string = CONTRACT_FINGERPRINT;
  readonly #userId: string;
  readonly #rooms: readonly string[];
  readonly #links = new Map<MemoryLink, Client>();
  readonly #logs = new Map<string, Log>();

  /**
   * @param userId the user that the server signs every client in as.
   * @param rooms the rooms that the server grants with the sign-in.
   */
  constructor(userId = "ada", rooms: readonly string[] = ["global"]) {
    this.#userId = userId;
    this.#rooms = rooms;
  }

  /** Options that connect a client to this server, whatever its address. */
  get options(): ClientOptions {
    const open = (): MemoryLink => this.#open();
    class MemoryTransport extends WebSocketTransport {
      override createSocket(): MemoryLink {
        return open();
      }
    }
    return { transports: [MemoryTransport], apiUrl: "memory:" };
  }

  /** Appends an event to a room's log and sends it to the room. Adds a missing timestamp. */
  publish<K extends ReceivedName>(
    room: string,
    event: K,
    data: Omit<Payload<K>, "timestamp"> & { timestamp?: number },
  ): void {
    this.#append(room, event, data);
  }

  /** Breaks every connection without a closing handshake. */
  cut(): void {
    for (const link of [...this.#links.keys()]) link.cut();
  }

  #open(): MemoryLink {
    const client: Client = { rooms: new Set() };
    const link = new MemoryLink({
      connected: ({ contract }) => {
        client.contract = contract;
        this.#authenticate(link);
      },
      received: (event, args, ack) => this.#receive(link, event, args, ack),
      closed: () => void this.#links.delete(link),
    });
    this.#links.set(link, client);
    return link;
  }

  #authenticate(link: MemoryLink): void {
    const { contract } = this;
    const isOther = (this.#links.get(link)?.contract ?? contract) !== contract;
    const identity = { userId: this.#userId, rooms: this.#rooms };
    link.emit("authenticated", { ...identity, ...(isOther && { contract }) });
  }

  #receive(link: MemoryLink, event: string, args: unknown[], ack: Ack): void {
    this.sent.push([event, ...args]);
    if (event === "join_room") this.#join(link, args, ack);
    else if (event === "leave_room") this.#links.get(link)?.rooms.delete(args[0] as string);
    else if (event === "auth") this.#authenticate(link);
    else if (event === "ping") this.#pong(link, ack);
    else if (event === "publish" && !this.answers.has(event)) {
      ack(this.#publishRequest(args[0] as PublishRequest));
    } else ack(this.answers.get(event)?.(...args) ?? { ok: true });
  }

  #append(room: string, event: string, data: object): void {
    const { frames } = this.#log(room);
    frames.push([event, { timestamp: Date.now(), ...data }]);
    for (const [link, { rooms }] of this.#links) {
      if (rooms.has(room)) this.#deliver(link, room, frames.length);
    }
  }

  /** Publishes what a client asks for, unless its conditions do not hold. */
  #publishRequest({ event, data, room: named, id, expect }: PublishRequest): PublishAck {
    const room = roomOf(event, data, named, this.events);
    if (room === null) return { ok: true };
    const { epoch, ids, frames } = this.#log(room);
    const known = id === undefined ? undefined : ids.get(id);
    if (known !== undefined) return { ok: true, room, epoch, offset: known };
    const newest = this.#newest(room, event, data as Json);
    const error = this.#refusal(room, expect, newest);
    if (error) return { ok: false, room, error };
    this.#append(room, event, this.#valueAfter(event, newest?.value, data));
    if (id !== undefined) ids.set(id, frames.length);
    return { ok: true, room, epoch, offset: frames.length };
  }

  #refusal(room: string, expect: PublishRequest["expect"], newest: Newest | null): Fault | null {
    const code = this.denied.get(room);
    if (code !== undefined) return { code, message: `${room}: ${code}` };
    if (expect === undefined || isEqual(expect, newest?.position ?? null)) return null;
    return { code: "conflict", message: "It has changed.", ...newest };
  }

  #valueAfter(event: string, value: unknown, data: unknown): object {
    const isMerge = ruleOf(event, this.events)?.conflate?.rule === "merge";
    return (isMerge ? mergePatch(value ?? {}, data) : data) as object;
  }

  /** Returns the newest entry of an event with the same key. */
  #newest(room: string, event: string, data: Json): Newest | null {
    const { epoch, frames } = this.#log(room);
    const fields = ruleOf(event, this.events)?.conflate?.key ?? [];
    const slot = slotOf(event, fields, data);
    const isNewest = ([name, value]: Log["frames"][number]): boolean =>
      name === event && slotOf(event, fields, value as Json) === slot;
    const offset = frames.length - [...frames].reverse().findIndex(isNewest);
    const value = frames[offset - 1]?.[1];
    return value && isNewest([event, value]) ? { position: { epoch, offset }, value } : null;
  }

  #pong(link: MemoryLink, ack: Ack): void {
    const pong = { timestamp: Date.now() };
    link.emit("pong", pong);
    ack(pong);
  }

  #join(link: MemoryLink, [name, start]: unknown[], ack: Ack): void {
    const room = name as string;
    const code = this.denied.get(room);
    if (code !== undefined) {
      ack({ ok: false, room, error: { code, message: `${room}: ${code}` } });
      return;
    }
    const { epoch, frames } = this.#log(room);
    const position = (start ?? {}) as { epoch?: string; offset?: number };
    const recovered = position.epoch === epoch;
    ack({ ok: true, room, epoch, offset: frames.length, recovered });
    this.#links.get(link)?.rooms.add(room);
    const from = start === "now" ? frames.length : recovered ? (position.offset ?? 0) : 0;
    for (let next = from + 1; next <= frames.length; next++) this.#deliver(link, room, next);
  }

  #deliver(link: MemoryLink, room: string, offset: number): void {
    const frame = this.#log(room).frames[offset - 1];
    if (frame) link.emit(...frame, `${offset}@${room}`);
  }

  #log(room: string): Log {
    let log = this.#logs.get(room);
    if (!log) {
      log = { epoch: `epoch of ${room}`, frames: [], ids: new Map() };
      this.#logs.set(room, log);
    }
    return log;
  }
}
