/** A real Socket.IO server with Longwire's protocol that tests control: logs, cuts, rejections. */

import { createServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";

import { Server, type Socket } from "socket.io";
import { onTestFinished, vi } from "vitest";

import {
  EVENTS,
  type EventRule,
  type JoinAck,
  type Position,
  type PublishRequest,
} from "../src/index.js";

interface Entry {
  event: string;
  data: unknown;
}

interface Log {
  epoch: string;
  entries: Entry[];
}

type Ack = (answer: unknown) => void;

export interface ServerOptions {
  /** Behave like a stock Socket.IO server. */
  isStock?: boolean;
  /** The rooms that signing in grants. */
  granted?: string[];
  transports?: ("websocket" | "polling")[];
  port?: number;
  /** The fingerprint of the server's contract; sent to clients with another one. */
  contract?: string;
  /** The events of the server's own contract. */
  events?: Record<string, EventRule>;
  /** Milliseconds between Engine.IO's own pings. */
  pingInterval?: number;
}

/** The error of a renewal with another user's token. */
const OTHER = { message: "token belongs to another user", code: "another_user" };

type Rules = Readonly<Record<string, EventRule>>;

/** Returns the key of an event's entry, as the contract declares it. */
function slotOf(data: unknown, rule: EventRule | undefined): string {
  const fields = rule?.conflate?.key ?? [];
  return JSON.stringify(fields.map((field) => (data as Record<string, unknown>)[field]));
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Returns the value in the log; the members of a patch must not be objects. */
function valueAfter(value: unknown, patch: unknown, rule: EventRule | undefined): unknown {
  if (rule?.conflate?.rule !== "merge") return patch;
  const members = Object.entries({ ...(value as object), ...(patch as object) });
  return Object.fromEntries(members.filter(([, member]) => member !== null));
}

/** Returns where the newest entry of the same event and key is, and its value. */
function newestOf(
  { epoch, entries }: Log,
  event: string,
  data: unknown,
  rules: Rules,
): { position: Position; value: unknown } | null {
  for (let offset = entries.length; offset > 0; offset--) {
    const entry = entries[offset - 1] as Entry;
    if (entry.event === event && slotOf(entry.data, rules[event]) === slotOf(data, rules[event]))
      return { position: { epoch, offset }, value: entry.data };
  }
  return null;
}

/** Returns the user of a token such as `ada` or `ada:2`. */
function userOf(token: string | undefined): string | undefined {
  return token?.replace(/:.*/, "");
}

export class ScriptedServer {
  readonly #http: HttpServer;
  readonly #io: Server;
  readonly #logs = new Map<string, Log>();
  /** The offsets of publications by room and id. */
  readonly #offsets = new Map<string, number>();
  readonly refusals = new Map<string, string>();
  readonly members = new Map<string, Set<Socket>>();
  /** The events that clients sent, in order: `["join_room", "job:1"]`. */
  readonly received: unknown[][] = [];
  /** The auth payload of each CONNECT. */
  readonly auths: Record<string, unknown>[] = [];
  /** The jobs that the HTTP interface lists. */
  jobs: unknown[] = [];
  readonly requests: IncomingMessage[] = [];
  /** Holds back the answers to HTTP requests, unless null. */
  heldAnswers: (() => void)[] | null = null;
  #epochs = 0;
  #deliver = true;
  port = 0;
  refusesToken: (token: unknown) => { message: string; code: string } | null = () => null;
  answersJoins = true;
  answersPings = true;
  answersPublications = true;
  /** The user of each publication, in order. */
  readonly publishers: unknown[] = [];
  /** Rooms whose publications are not handled. */
  readonly mutedRooms = new Set<string>();
  /** Whether retention dropped every event, so that a replay is empty. */
  hasLostHistory = false;
  /** Milliseconds between replayed events. */
  pace = 0;
  authenticates = true;

  constructor(readonly options: ServerOptions = {}) {
    this.#http = createServer((request, response) => {
      this.requests.push(request);
      response.setHeader("access-control-allow-origin", "*");
      response.setHeader("access-control-allow-headers", "authorization");
      response.setHeader("content-type", "application/json");
      const answer = JSON.stringify({ jobs: this.jobs });
      if (this.heldAnswers) this.heldAnswers.push(() => response.end(answer));
      else response.end(answer);
    });
    this.#io = new Server(this.#http, {
      cors: { origin: "*" },
      transports: options.transports ?? ["websocket", "polling"],
      pingInterval: options.pingInterval ?? 5_000,
    });
    this.#io.use((socket, next) => {
      const auth = socket.handshake.auth as Record<string, unknown>;
      this.auths.push(auth);
      const refusal = this.refusesToken(auth.token);
      if (!refusal) next();
      else next(Object.assign(new Error(refusal.message), { data: { code: refusal.code } }));
    });
    this.#io.on("connection", (socket) => this.#welcome(socket));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get sockets(): Socket[] {
    return [...this.#io.of("/").sockets.values()];
  }

  /** The number of connections so far. */
  connections = 0;

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(port, "127.0.0.1", resolve));
    this.port = (this.#http.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    await this.#io.close();
  }

  /** Returns the arguments of each received event of a name. */
  of(event: string): unknown[][] {
    return this.received.filter(([name]) => name === event).map(([, ...args]) => args);
  }

  publish(room: string, event: string, data: unknown): void {
    const log = this.log(room);
    log.entries.push({ event, data });
    if (!this.#deliver) return;
    for (const socket of this.members.get(room) ?? []) this.#send(socket, room, log.entries.length);
  }

  /** Appends to the log, but loses the delivery. */
  publishUndelivered(room: string, event: string, data: unknown): void {
    this.#deliver = false;
    this.publish(room, event, data);
    this.#deliver = true;
  }

  /** Sends a frame that covers a range of entries. */
  sendRange(room: string, event: string, data: unknown, first: number, last: number): void {
    for (const socket of this.members.get(room) ?? []) {
      socket.emit(event, data, `${first}-${last}@${room}`);
    }
  }

  /** Sends to every client without a position. */
  broadcast(event: string, ...args: unknown[]): void {
    this.#io.emit(event, ...args);
  }

  /** Replaces a room's log by an empty one and notifies its members. */
  resetLog(room: string): void {
    this.#logs.delete(room);
    const { epoch } = this.log(room);
    for (const socket of this.members.get(room) ?? []) {
      socket.emit("room_reset", { room, epoch, offset: 0 });
    }
  }

  log(room: string): Log {
    let log = this.#logs.get(room);
    if (!log) this.#logs.set(room, (log = { epoch: `epoch-${++this.#epochs}`, entries: [] }));
    return log;
  }

  /** Breaks every connection without a closing handshake. */
  cut(): void {
    for (const socket of this.sockets) socket.conn.close(true);
  }

  /** Disconnects every client, with or without advice. */
  kick(advice?: Record<string, unknown>): void {
    for (const socket of this.sockets) {
      if (advice) socket.emit("closing", advice);
      socket.disconnect(true);
    }
  }

  #welcome(socket: Socket): void {
    this.connections++;
    socket.on("disconnect", () => {
      for (const members of this.members.values()) members.delete(socket);
    });
    socket.onAny((event: string, ...args: unknown[]) => {
      this.received.push([event, ...args.filter((arg) => typeof arg !== "function")]);
    });
    socket.on("echo", (data: unknown, ack?: Ack) => ack?.(data));
    socket.on("job:cancel", (data: { jobId: string }, ack?: Ack) => this.#cancel(data.jobId, ack));
    if (this.options.isStock) return;
    socket.on("auth", (token: string, ack?: Ack) => this.#authenticate(socket, token, ack));
    socket.on("ping", (ack?: Ack) => {
      const pong = { timestamp: Date.now() };
      if (!this.answersPings) return;
      socket.emit("pong", pong);
      ack?.(pong);
    });
    socket.on("join_room", (room: string, ...rest: unknown[]) => this.#join(socket, room, rest));
    socket.on("publish", (request: PublishRequest, ack?: Ack) => {
      this.publishers.push((socket.data as { userId?: string }).userId);
      const isMuted = this.mutedRooms.has(request.room ?? "");
      if (!isMuted && this.answersPublications) ack?.(this.#publish(request));
    });
    socket.on("leave_room", (room: string) => this.members.get(room)?.delete(socket));
    if (this.authenticates)
      this.#authenticate(socket, socket.handshake.auth.token as string | undefined);
  }

  #authenticate(socket: Socket, token: string | undefined, ack?: Ack): void {
    const data = socket.data as { userId?: string | undefined };
    const userId = userOf(token);
    const refusal = this.refusesToken(token) ?? (ack && data.userId !== userId ? OTHER : null);
    if (refusal) socket.emit("auth_error", refusal.message);
    else {
      data.userId = userId;
      const { granted: rooms = [] } = this.options;
      socket.emit("authenticated", { userId, rooms, ...this.#difference(socket) });
    }
    ack?.(refusal ? { ok: false, error: refusal } : { ok: true });
  }

  #difference(socket: Socket): { contract?: string | undefined } {
    const { contract } = this.options;
    const isOther = contract !== undefined && contract !== socket.handshake.auth.contract;
    return isOther ? { contract } : {};
  }

  #cancel(jobId: string, ack: Ack | undefined): void {
    const code = this.refusals.get(`job:${jobId}`);
    ack?.(code ? { ok: false, error: { code, message: "No." } } : { ok: true });
  }

  #publish({ event, data, room = "nowhere", id = "", expect }: PublishRequest): object {
    const code = this.refusals.get(room);
    if (code) return { ok: false, room, error: { code, message: `No: ${room}.` } };
    const log = this.log(room);
    const known = this.#offsets.get(`${room} ${id}`);
    if (known !== undefined) return { ok: true, room, epoch: log.epoch, offset: known };
    const rules: Rules = { ...EVENTS, ...this.options.events };
    const newest = newestOf(log, event, data, rules);
    if (expect !== undefined && !isEqual(expect, newest?.position ?? null))
      return { ok: false, room, error: { code: "conflict", message: "It changed.", ...newest } };
    this.publish(room, event, valueAfter(newest?.value, data, rules[event]));
    const offset = log.entries.length;
    this.#offsets.set(`${room} ${id}`, offset);
    return { ok: true, room, epoch: log.epoch, offset };
  }

  #join(socket: Socket, room: string, rest: unknown[]): void {
    const ack = rest.at(-1) as Ack;
    if (!this.answersJoins) return;
    const code = this.refusals.get(room);
    if (code) {
      ack({ ok: false, room, error: { code, message: `No: ${room}.` } } satisfies JoinAck);
      return;
    }
    const { epoch, entries } = this.log(room);
    const offset = entries.length;
    const start = rest.length > 1 ? (rest[0] as Position | "now") : { epoch: "", offset: 0 };
    const recovered = start !== "now" && start.epoch === epoch;
    ack({ ok: true, room, epoch, offset, recovered } satisfies JoinAck);
    this.members.set(room, (this.members.get(room) ?? new Set()).add(socket));
    const isEmpty = start === "now" || this.hasLostHistory;
    const from = isEmpty ? offset : recovered ? start.offset : 0;
    void this.#sendHistory(socket, room, from + 1, offset);
  }

  async #sendHistory(socket: Socket, room: string, first: number, last: number): Promise<void> {
    for (let next = first; next <= last; next++) {
      // Sequentially: timers of the same delay may fire out of order.
      if (this.pace) await setTimeout(this.pace);
      this.#send(socket, room, next);
    }
  }

  #send(socket: Socket, room: string, offset: number): void {
    const { event, data } = this.log(room).entries[offset - 1] as Entry;
    const hasPositions = socket.handshake.auth.positions === true;
    socket.emit(event, data, ...(hasPositions ? [`${offset}@${room}`] : []));
  }
}

/** Starts a server that closes after the test. */
export async function startServer(options: ServerOptions = {}): Promise<ScriptedServer> {
  const server = await new ScriptedServer(options).listen(options.port);
  onTestFinished(() => server.close());
  return server;
}

/** Waits until a condition holds. */
export function until(holds: () => unknown): Promise<void> {
  return vi.waitFor(
    () => {
      if (!holds()) throw new Error(`never: ${String(holds)}`);
    },
    { timeout: 10_000, interval: 5 },
  );
}
