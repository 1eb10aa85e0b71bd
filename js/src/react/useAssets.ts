import type { FactsSnapshot } from "../facts.js";
import type { ContentAsset } from "../index.js";
import { useFact } from "./useFact.js";

const select = ({ assets }: FactsSnapshot): readonly ContentAsset[] => assets;

/**
 * The assets that were created, newest first, each with its present status; from the rooms that
 * come with signing in, and from a `room` that is joined while mounted. `null` means none.
 */
export function useAssets(room?: string | null): readonly ContentAsset[] {
  return useFact(room, select);
}
