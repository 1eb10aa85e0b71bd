import { useEffect } from "react";

import { type CatalogSnapshot, EMPTY_CATALOG } from "../catalogStore.js";
import { useCatalogStore } from "./provider.js";
import { useReadable } from "./useReadable.js";

/**
 * Returns what `select` returns of the catalog's newest events.
 *
 * @param room a room to join while mounted. Undefined joins none and reads the rooms that the server
 *   granted; null reads nothing.
 */
export function useCatalog<R>(
  room: string | null | undefined,
  select: (catalog: CatalogSnapshot) => R,
): R {
  const catalog = useCatalogStore();
  useEffect(() => (room == null ? undefined : catalog.holdRoom(room)), [catalog, room]);
  return useReadable(room === null ? null : catalog, EMPTY_CATALOG, select);
}
