import { useEffect } from "react";

import { type FactsSnapshot, NO_FACTS } from "../facts.js";
import { useFacts } from "./provider.js";
import { useReadable } from "./useReadable.js";

/**
 * What `select` makes of the facts, while in a room. `undefined`: in none beside those that come
 * with signing in. `null`: knows nothing.
 */
export function useFact<R>(
  room: string | null | undefined,
  select: (facts: FactsSnapshot) => R,
): R {
  const facts = useFacts();
  useEffect(() => (room == null ? undefined : facts.holdRoom(room)), [facts, room]);
  return useReadable(room === null ? null : facts, NO_FACTS, select);
}
