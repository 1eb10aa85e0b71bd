/**
 * The names of the specification, for code that was written against it.
 *
 * @module longwire/compat
 */

"use client";

export { getWebSocketClient, WebSocketClient, type WebSocketConfig } from "./client.js";
export { type JobProgress, useJobProgress, useWebSocket, type WebSocketView } from "./hooks.js";
export { useWebSocketStore, type WebSocketStore } from "./store.js";
export type * from "./types.js";
export { WebSocketProvider, type WebSocketProviderProps } from "./WebSocketProvider.js";
