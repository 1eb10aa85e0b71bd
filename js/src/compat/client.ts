import {
  type ClientOptions,
  type ConnectionState,
  WebSocketClient as LongwireClient,
  LongwireError,
} from "../index.js";
import { setDefaultClient } from "../react/provider.js";
import { followClient } from "./store.js";
import type { SocketEvents } from "./types.js";

/** The configuration of a client; every option of Longwire's client is accepted as well. */
export interface WebSocketConfig extends ClientOptions {
  /** The server's address. */
  url: string;
}

type Listener = (...args: unknown[]) => void;

/** Why there is no connection, without a refusal by the server. */
const NOT_REFUSED: readonly string[] = ["unreachable", "timeout", "disconnected"];

/** Longwire's client with the methods of the specification: events of both directions in one map. */
export class WebSocketClient {
  /** The client itself, for the hooks of `longwire/react` and everything else. */
  readonly client: LongwireClient;

  constructor(config: WebSocketConfig | LongwireClient) {
    this.client = config instanceof LongwireClient ? config : new LongwireClient(config);
  }

  /** Connects; rejects if the server refuses the token, or after the option `timeout`. */
  connect(token: string): Promise<void> {
    return this.client.connect(token);
  }

  /** Closes the connection. Handlers and rooms remain for the next `connect`. */
  disconnect(): void {
    this.client.disconnect();
  }

  /** Joins a room, or queues the join until connected. Joins are counted. */
  joinRoom(room: string): void {
    this.client.joinRoom(room);
  }

  /** Takes back one `joinRoom`. */
  leaveRoom(room: string): void {
    this.client.leaveRoom(room);
  }

  /**
   * Calls the handler for each event of this name; returns a function that removes it. Handlers of
   * `auth_error` are also called when the server refuses a sign-in.
   */
  on<K extends keyof SocketEvents>(event: K, handler: SocketEvents[K]): () => void {
    const listener = handler as Listener;
    const stop = this.client.on(event as "connect", listener);
    if (event !== "auth_error") return stop;
    const stopRefusals = this.#onRefusal(listener);
    return () => {
      stop();
      stopRefusals();
    };
  }

  /** Sends an event, or queues it until connected. */
  emit<K extends keyof SocketEvents>(event: K, ...args: Parameters<SocketEvents[K]>): void {
    const send = this.client.emit.bind(this.client) as Listener;
    send(event, ...args);
  }

  /** Returns the connection's state. */
  getState(): ConnectionState {
    return this.client.getState();
  }

  /** Calls the listener with each new state; returns a function that removes it. */
  onStateChange(listener: (state: ConnectionState) => void): () => void {
    return this.client.onStateChange(listener);
  }

  /** Returns whether the client is signed in. */
  isConnected(): boolean {
    return this.client.isConnected();
  }

  #onRefusal(listener: Listener): () => void {
    return this.client.onStateChange((state) => {
      const { error } = this.client.connection.getSnapshot();
      const isRefused = error instanceof LongwireError && !NOT_REFUSED.includes(error.code);
      if (state === "error" && isRefused) listener(error.message);
    });
  }
}

let shared: WebSocketClient | null = null;

/**
 * Returns the client of the page, which the first call creates. Its address is the environment
 * variable `NEXT_PUBLIC_WS_URL`, or else that of the page.
 *
 * Do not connect it on a server that renders pages: all requests would share its user.
 */
export function getWebSocketClient(): WebSocketClient {
  if (!shared) {
    shared = new WebSocketClient(new LongwireClient({ url: addressOfTheEnvironment() }));
    followClient(shared.client);
  }
  return shared;
}

// Bundlers replace this exact expression; elsewhere there may be no `process`.
declare const process: { env: { NEXT_PUBLIC_WS_URL?: string } };

function addressOfTheEnvironment(): string | undefined {
  try {
    return process.env.NEXT_PUBLIC_WS_URL;
  } catch {
    return undefined;
  }
}

setDefaultClient(() => getWebSocketClient().client);
