import { create, type StoreApi, type UseBoundStore } from "zustand";

import type { ConnectionSnapshot, ConnectionState, WebSocketClient } from "./index.js";

/**
 * The state of a connection. It has no setters: what is not the client's own word would be a
 * second truth.
 */
export interface WebSocketStore {
  readonly connectionState: ConnectionState;
  /** Milliseconds since the epoch, like `disconnectedAt`. */
  readonly connectedAt: number | null;
  readonly disconnectedAt: number | null;
  /** Failed attempts since the connection last held. */
  readonly reconnectAttempts: number;
}

/**
 * Creates a zustand store, which is a hook, that shows a client's connection for as long as the
 * client lives. Using it neither connects nor disconnects.
 *
 * ```ts
 * export const useWebSocketStore = createWebSocketStore(client);
 * ```
 */
export function createWebSocketStore(
  client: Pick<WebSocketClient, "connection">,
): UseBoundStore<StoreApi<WebSocketStore>> {
  const { connection } = client;
  const store = create<WebSocketStore>(() => view(connection.getSnapshot()));
  connection.subscribe(() => store.setState(view(connection.getSnapshot())));
  return store;
}

function view(connection: ConnectionSnapshot): WebSocketStore {
  const { state, connectedAt, disconnectedAt, attempt } = connection;
  return { connectionState: state, connectedAt, disconnectedAt, reconnectAttempts: attempt };
}
