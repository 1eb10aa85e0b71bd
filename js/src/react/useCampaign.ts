import { useCallback } from "react";

import type { CatalogSnapshot } from "../catalogStore.js";
import type { Payload } from "../index.js";
import { type InitialData, newest } from "./newest.js";
import { useCatalog } from "./useCatalog.js";

/**
 * Returns a campaign's metrics; null before the first event. Joins the campaign's room while
 * mounted. A null id reads nothing.
 */
export function useCampaign(
  campaignId: string | null,
  { initialData }: InitialData<Payload<"campaign:metrics">> = {},
): Payload<"campaign:metrics"> | null {
  const room = campaignId === null ? null : `campaign:${campaignId}`;
  const select = useCallback(
    ({ campaigns }: CatalogSnapshot) => newest(campaigns[room ?? ""], initialData),
    [room, initialData],
  );
  return useCatalog(room, select);
}
