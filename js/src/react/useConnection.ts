import { useMemo } from "react";

import { INITIAL } from "../connection.js";
import type { ConnectionSnapshot } from "../index.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

/** The connection as a component sees it. */
export interface ConnectionView extends ConnectionSnapshot {
  /** Skips the delay before the next attempt; connects again after an error. */
  readonly retry: () => void;
}

const identity = (snapshot: ConnectionSnapshot): ConnectionSnapshot => snapshot;

/** Returns the connection's state, error, next attempt, latency and user. */
export function useConnection(): ConnectionView {
  const client = useClient();
  const snapshot = useReadable(client.connection, INITIAL, identity);
  return useMemo(() => ({ ...snapshot, retry: () => client.retry() }), [client, snapshot]);
}
