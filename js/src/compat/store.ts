import { create, type StoreApi, type UseBoundStore } from "zustand";

import type { ConnectionState, WebSocketClient } from "../index.js";

/** The state of the page's connection, with the setters of the specification. */
export interface WebSocketStore {
  /** The connection's state. */
  connectionState: ConnectionState;
  /** When the client last connected, in milliseconds since the epoch. */
  connectedAt: number | null;
  /** When the client was last disconnected, in milliseconds since the epoch. */
  disconnectedAt: number | null;
  /** Failed attempts in a row. */
  reconnectAttempts: number;
  /** Sets the state until the connection's next change, which the store follows by itself. */
  setConnectionState: (state: ConnectionState) => void;
  /** Like `setConnectionState`. */
  setConnectedAt: (timestamp: number) => void;
  /** Like `setConnectionState`. */
  setDisconnectedAt: (timestamp: number) => void;
  /** Like `setConnectionState`. */
  incrementReconnectAttempts: () => void;
  /** Like `setConnectionState`. */
  resetReconnectAttempts: () => void;
}

const store = create<WebSocketStore>((set) => ({
  connectionState: "disconnected",
  connectedAt: null,
  disconnectedAt: null,
  reconnectAttempts: 0,
  setConnectionState: (connectionState) => set({ connectionState }),
  setConnectedAt: (connectedAt) => set({ connectedAt }),
  setDisconnectedAt: (disconnectedAt) => set({ disconnectedAt }),
  incrementReconnectAttempts: () =>
    set(({ reconnectAttempts }) => ({ reconnectAttempts: reconnectAttempts + 1 })),
  resetReconnectAttempts: () => set({ reconnectAttempts: 0 }),
}));

/** The zustand store of the page's connection, ready to use as a hook. */
export const useWebSocketStore: UseBoundStore<StoreApi<WebSocketStore>> = store;

/** Lets the store follow a client. */
export function followClient({ connection }: WebSocketClient): void {
  const show = (): void => {
    const { state, connectedAt, disconnectedAt, reconnectAttempts } = connection.getSnapshot();
    store.setState({ connectionState: state, connectedAt, disconnectedAt, reconnectAttempts });
  };
  connection.subscribe(show);
  show();
}
