import { useMemo } from "react";

import { type HealthSnapshot, UNKNOWN_HEALTH, watchHealth } from "../health.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

const identity = (snapshot: HealthSnapshot): HealthSnapshot => snapshot;

/**
 * Returns the health of the connection: its quality in one word, round trips, and how it recovers.
 * The first use starts to measure; it neither connects nor disconnects.
 */
export function useConnectionHealth(): HealthSnapshot {
  const client = useClient();
  const health = useMemo(() => watchHealth(client), [client]);
  return useReadable(health, UNKNOWN_HEALTH, identity);
}
