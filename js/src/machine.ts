/** The state of a connection, as a table. */

import type { ConnectionState } from "./contract.js";

/**
 * What moves it: `open` and `close` by the user, `ready` when signed in with all rooms resumed,
 * `lost` when an attempt or a transport failed and another attempt follows, `refused` when trying
 * again makes no sense until something changes.
 */
export type ConnectionInput = "open" | "ready" | "lost" | "refused" | "close";

/** The next state; an input that a state does not know leaves it as it is. */
export const TRANSITIONS: Readonly<
  Record<ConnectionState, Partial<Record<ConnectionInput, ConnectionState>>>
> = {
  disconnected: { open: "connecting" },
  connecting: { ready: "connected", lost: "reconnecting", refused: "error", close: "disconnected" },
  connected: { lost: "reconnecting", refused: "error", close: "disconnected" },
  reconnecting: { ready: "connected", refused: "error", close: "disconnected" },
  error: { open: "connecting", close: "disconnected" },
};
