import { useCallback } from "react";

import type { CatalogSnapshot } from "../catalogStore.js";
import type { Payload } from "../index.js";
import { useCatalog } from "./useCatalog.js";

/**
 * Returns a campaign's metrics; null before the first event. Joins the campaign's room while
 * mounted. A null id reads nothing.
 */
export function useCampaign(campaignId: string | null): Payload<"campaign:metrics"> | null {
  const room = campaignId === null ? null : `campaign:${campaignId}`;
  const select = useCallback(
    ({ campaigns }: CatalogSnapshot) => campaigns[room ?? ""] ?? null,
    [room],
  );
  return useCatalog(room, select);
}
