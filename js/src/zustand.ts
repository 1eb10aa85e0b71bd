/**
 * A zustand store with the state of a connection.
 *
 * @module longwire/zustand
 */

import { create, type StoreApi, type UseBoundStore } from "zustand";

import type { ConnectionSnapshot, ConnectionState, WebSocketClient } from "./index.js";

/**
 * The state of a connection. It has no setters: the client is the only source of this state.
 */
export interface WebSocketStore {
  /** The connection's state. */
  readonly connectionState: ConnectionState;
  /** When the client last connected, in milliseconds since the epoch. */
  readonly connectedAt: number | null;
  /** When the client was last disconnected, in milliseconds since the epoch. */
  readonly disconnectedAt: number | null;
  /** Failed attempts in a row; reset by a connection that lasts for five seconds. */
  readonly reconnectAttempts: number;
}

/**
 * Creates a zustand store, which is a hook, with the state of a client's connection. Using it
 * neither connects nor disconnects.
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
  const { state, connectedAt, disconnectedAt, reconnectAttempts } = connection;
  return { connectionState: state, connectedAt, disconnectedAt, reconnectAttempts };
}
