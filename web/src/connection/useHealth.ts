import { useClient } from "longwire/react";
import { useMemo, useSyncExternalStore } from "react";

import { ConnectionHealth, type Health } from "./ConnectionHealth";

/** What to tell of the connection. */
export function useHealth(): Health {
  const client = useClient();
  const health = useMemo(() => new ConnectionHealth(client.connection), [client]);
  return useSyncExternalStore(health.subscribe, health.getSnapshot);
}
