/** Acknowledges an event; does nothing if the sender did not request an acknowledgement. */
export type Ack = (answer: unknown) => void;

/** Callbacks of the server's end of a link. */
export interface LinkHost {
  connected(auth: { contract?: string }): void;
  received(event: string, args: unknown[], ack: Ack): void;
  closed(): void;
}

/** Disables pings, which a link in memory does not need: 11 days, within the range of timers. */
const NO_PINGS = { pingInterval: 1_000_000_000, pingTimeout: 1_000_000_000 };

const EVENT = /^42(\d*)(\[.*)$/s;

/**
 * A WebSocket as the client's transport sees it, with the server's end of Engine.IO and Socket.IO
 * behind it. Messages arrive in order and in a later microtask.
 */
export class MemoryLink {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: object) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  binaryType = "arraybuffer";
  readonly #host: LinkHost;
  #isOpen = true;

  constructor(host: LinkHost) {
    this.#host = host;
    this.#later(() => {
      this.onopen?.();
      this.#send(
        `0${JSON.stringify({ sid: "memory", upgrades: [], maxPayload: 1e6, ...NO_PINGS })}`,
      );
    });
  }

  /** Client end: sends a message. */
  send(message: string): void {
    this.#later(() => this.#receive(message));
  }

  /** Client end: closes the link. */
  close(): void {
    this.#end();
  }

  /** Server end: sends an event. */
  emit(event: string, ...args: unknown[]): void {
    this.#send(`42${JSON.stringify([event, ...args])}`);
  }

  /** Server end: breaks the link without a closing handshake. */
  cut(): void {
    this.#end();
    queueMicrotask(() => this.onclose?.({}));
  }

  #receive(message: string): void {
    if (message.startsWith("40")) {
      this.#send('40{"sid":"memory"}');
      this.#host.connected(JSON.parse(message.slice(2) || "{}") as { contract?: string });
      return;
    }
    const [, id = "", body] = EVENT.exec(message) ?? [];
    if (body === undefined) return;
    const [event, ...args] = JSON.parse(body) as [string, ...unknown[]];
    const ack: Ack = (answer) => id && this.#send(`43${id}${JSON.stringify([answer])}`);
    this.#host.received(event, args, ack);
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
    this.#host.closed();
  }
}
