import { useCallback } from "react";

import { byCreation, type CatalogSnapshot } from "../catalogStore.js";
import type { Payload } from "../index.js";
import { type InitialData, newest } from "./newest.js";
import { useCatalog } from "./useCatalog.js";

type Asset = Payload<"asset:created">["asset"];

/**
 * Returns the assets, newest first, each with its current status: those whose creation was received,
 * and those of `initialData`, as a server fetched them.
 *
 * @param room a room to join while mounted, in addition to those that the server granted; null
 *   reads nothing.
 */
export function useAssets(
  room?: string | null,
  { initialData }: InitialData<readonly Asset[]> = {},
): readonly Asset[] {
  const select = useCallback(
    (catalog: CatalogSnapshot) => (initialData ? merged(catalog, initialData) : catalog.assets),
    [initialData],
  );
  return useCatalog(room, select);
}

/**
 * Returns the last status of an asset, also if its creation was not received; null before the first
 * one. A null id reads nothing.
 *
 * @param room as for `useAssets`.
 */
export function useAssetStatus(
  assetId: string | null,
  room?: string | null,
  { initialData }: InitialData<Payload<"asset:status">> = {},
): Payload<"asset:status"> | null {
  const select = useCallback(
    ({ statuses }: CatalogSnapshot) => newest(statuses[assetId ?? ""], initialData),
    [assetId, initialData],
  );
  return useCatalog(assetId === null ? null : room, select);
}

function merged({ assets, statuses }: CatalogSnapshot, initial: readonly Asset[]): Asset[] {
  const all = new Map(initial.map((asset) => [asset.id, asset]));
  for (const asset of assets) {
    const known = all.get(asset.id);
    if (!known || asset.updatedAt >= known.updatedAt) all.set(asset.id, asset);
  }
  return [...all.values()].sort(byCreation).map((asset) => {
    const last = statuses[asset.id];
    if (!last || last.timestamp < asset.updatedAt) return asset;
    return { ...asset, status: last.status, updatedAt: last.timestamp };
  });
}
