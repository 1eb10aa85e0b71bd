import { useMemo } from "react";

import { INITIAL } from "../connection.js";
import type { ConnectionSnapshot } from "../index.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

/** The connection as a component sees it. */
export interface ConnectionView extends ConnectionSnapshot {
  /** Tries now: at once instead of later, or anew after an error. */
  readonly retry: () => void;
}

const identity = (snapshot: ConnectionSnapshot): ConnectionSnapshot => snapshot;

/** State, error, attempt, next attempt and latency of the connection. */
export function useConnection(): ConnectionView {
  const client = useClient();
  const snapshot = useReadable(client.connection, INITIAL, identity);
  return useMemo(() => ({ ...snapshot, retry: () => client.retry() }), [client, snapshot]);
}
