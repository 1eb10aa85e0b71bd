import type { CatalogSnapshot } from "../catalogStore.js";
import type { ContentAsset } from "../index.js";
import { useCatalog } from "./useCatalog.js";

const select = ({ assets }: CatalogSnapshot): readonly ContentAsset[] => assets;

/**
 * Returns the created assets, newest first, each with its current status.
 *
 * @param room a room to join while mounted, in addition to those that the server granted; null
 *   reads nothing.
 */
export function useAssets(room?: string | null): readonly ContentAsset[] {
  return useCatalog(room, select);
}
