// What CommonJS gets of socket.io-client lacks its transports.
import { WebSocket as WebSocketTransport } from "engine.io-client";

import {
  type ClientOptions,
  CONTRACT_FINGERPRINT,
  EVENTS,
  type ServerToClientEvents,
} from "./index.js";
import { type Ack, MemoryLink } from "./memoryLink.js";

type Payload<K extends keyof ServerToClientEvents> = Parameters<ServerToClientEvents[K]>[0];

interface Log {
  readonly epoch: string;
  readonly frames: [event: string, data: object][];
}

interface Client {
  readonly rooms: Set<string>;
  contract?: string | undefined;
}

/** What a client sent: the event, then its arguments. */
export type Sent = readonly [event: string, ...args: unknown[]];

/**
 * A Longwire server in memory, for tests of a page: the real client speaks the real wire to it,
 * and no socket is opened. It signs everybody in, keeps a log for each room, and resumes. There is
 * no HTTP interface behind it, so a list of jobs tells that it could not be fetched.
 *
 * ```ts
 * const server = new TestServer();
 * const client = createClient("http://test", server.options);
 * server.publish("job:1", "job:progress", { jobId: "1", progress: 42, currentStep: "writing" });
 * ```
 */
export class TestServer {
  /** What clients sent, oldest first. */
  readonly sent: Sent[] = [];
  /** Rooms that nobody may join, with the code of the refusal. */
  readonly refused = new Map<string, string>();
  /** Answers to events that ask for one; by default `{ ok: true }`. */
  readonly answers = new Map<string, (...args: unknown[]) => unknown>();
  /** The fingerprint of its contract; a client that was built for another one is outdated. */
  contract: string = CONTRACT_FINGERPRINT;
  readonly #links = new Map<MemoryLink, Client>();
  readonly #logs = new Map<string, Log>();

  /**
   * @param userId who everybody is told to be.
   * @param rooms those that come with signing in.
   */
  constructor(
    private readonly userId = "ada",
    private readonly rooms: readonly string[] = ["global"],
  ) {}

  /** Options for a client that finds this server, at any address. */
  get options(): ClientOptions {
    const open = (): MemoryLink => this.#open();
    class MemoryTransport extends WebSocketTransport {
      override createSocket(): MemoryLink {
        return open();
      }
    }
    return { transports: [MemoryTransport], apiUrl: "memory:" };
  }

  /** Appends an event to a room's log and sends it to those in the room; stamps it if need be. */
  publish<K extends keyof typeof EVENTS>(
    room: string,
    event: K,
    data: Omit<Payload<K>, "timestamp"> & { timestamp?: number },
  ): void {
    const { frames } = this.#log(room);
    frames.push([event, { timestamp: Date.now(), ...data }]);
    for (const [link, { rooms }] of this.#links) {
      if (rooms.has(room)) this.#deliver(link, room, frames.length);
    }
  }

  /** Cuts every connection without a word. */
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
    const { userId, rooms, contract } = this;
    const isOutdated = (this.#links.get(link)?.contract ?? contract) !== contract;
    link.emit("authenticated", { userId, rooms, ...(isOutdated && { contract }) });
  }

  #receive(link: MemoryLink, event: string, args: unknown[], ack: Ack): void {
    this.sent.push([event, ...args]);
    if (event === "join_room") this.#join(link, args, ack);
    else if (event === "leave_room") this.#links.get(link)?.rooms.delete(args[0] as string);
    else if (event === "auth") this.#authenticate(link);
    else if (event === "ping") link.emit("pong", { timestamp: Date.now() });
    else ack(this.answers.get(event)?.(...args) ?? { ok: true });
  }

  #join(link: MemoryLink, [name, start]: unknown[], ack: Ack): void {
    const room = name as string;
    const code = this.refused.get(room);
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
    if (!log) this.#logs.set(room, (log = { epoch: `epoch of ${room}`, frames: [] }));
    return log;
  }
}
