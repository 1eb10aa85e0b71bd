/** Answers one event; does nothing if the sender did not ask. */
export type Ack = (answer: unknown) => void;

/** What the server's end of a link is told. */
export interface LinkHost {
  connected(auth: { contract?: string }): void;
  received(event: string, args: unknown[], ack: Ack): void;
  closed(): void;
}

/** Nobody pings: a link in memory is never silent by accident. The longest that a timer takes. */
const NO_PINGS = { pingInterval: 1_000_000_000, pingTimeout: 1_000_000_000 };

const EVENT = /^42(\d*)(\[.*)$/s;

/**
 * A WebSocket as the client's transport sees it, and the server's end of Engine.IO and Socket.IO
 * behind it. What is sent arrives later, in order, never within the call.
 */
export class MemoryLink {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: object) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  binaryType = "arraybuffer";
  #isOpen = true;

  constructor(private readonly host: LinkHost) {
    this.#later(() => {
      this.onopen?.();
      this.#send(
        `0${JSON.stringify({ sid: "memory", upgrades: [], maxPayload: 1e6, ...NO_PINGS })}`,
      );
    });
  }

  /** The client's end. */
  send(message: string): void {
    this.#later(() => this.#receive(message));
  }

  /** The client's end. */
  close(): void {
    this.#end();
  }

  /** The server's end: an event, without asking for an answer. */
  emit(event: string, ...args: unknown[]): void {
    this.#send(`42${JSON.stringify([event, ...args])}`);
  }

  /** The server's end: gone without a word. */
  cut(): void {
    this.#end();
    queueMicrotask(() => this.onclose?.({}));
  }

  #receive(message: string): void {
    if (message.startsWith("40")) {
      this.#send('40{"sid":"memory"}');
      this.host.connected(JSON.parse(message.slice(2) || "{}") as { contract?: string });
      return;
    }
    const [, id = "", body] = EVENT.exec(message) ?? [];
    if (body === undefined) return;
    const [event, ...args] = JSON.parse(body) as [string, ...unknown[]];
    const ack: Ack = (answer) => id && this.#send(`43${id}${JSON.stringify([answer])}`);
    this.host.received(event, args, ack);
  }

  #send(data: string): void {
    this.#later(() => this.onmessage?.({ data }));
  }

  #later(action: () => void): void {
    queueMicrotask(() => {
      if (this.#isOpen) action();
    });
  }

  #end(): void {
    this.#isOpen = false;
    this.host.closed();
  }
}
