import { useMemo } from "react";

import { INITIAL } from "../connection.js";
import type { ConnectionSnapshot, ConnectionState, WebSocketClient } from "../index.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

/** The connection under the names of the specification. */
export interface WebSocketView {
  /** The connection's state. */
  connectionState: ConnectionState;
  /** Whether the state is `connected`. */
  isConnected: boolean;
  /** Why the client is not connected. */
  error: Error | null;
  /** Adds an event handler; see {@link WebSocketClient.on}. */
  subscribe: WebSocketClient["on"];
  /** Joins a room; see {@link WebSocketClient.joinRoom}. */
  joinRoom: WebSocketClient["joinRoom"];
  /** Leaves a room; see {@link WebSocketClient.leaveRoom}. */
  leaveRoom: WebSocketClient["leaveRoom"];
  /** Sends an event; see {@link WebSocketClient.emit}. */
  emit: WebSocketClient["emit"];
}

type Shown = Pick<WebSocketView, "connectionState" | "isConnected" | "error">;

const select = ({ state, isConnected, error }: ConnectionSnapshot): Shown => ({
  connectionState: state,
  isConnected,
  error,
});

/** Returns the connection's state and stable functions. Using it neither connects nor disconnects. */
export function useWebSocket(): WebSocketView {
  const client = useClient();
  const shown = useReadable(client.connection, INITIAL, select);
  const actions = useMemo(
    () => ({
      subscribe: ((event, handler) => client.on(event, handler)) satisfies WebSocketClient["on"],
      joinRoom: client.joinRoom.bind(client),
      leaveRoom: client.leaveRoom.bind(client),
      emit: ((event, ...args) => client.emit(event, ...args)) satisfies WebSocketClient["emit"],
    }),
    [client],
  );
  return useMemo(() => ({ ...shown, ...actions }), [shown, actions]);
}
