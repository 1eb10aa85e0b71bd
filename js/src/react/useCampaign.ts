import { useCallback } from "react";

import type { FactsSnapshot } from "../facts.js";
import type { CampaignMetricsEvent } from "../index.js";
import { useFact } from "./useFact.js";

/** The figures of a campaign; null until said. `null` means no campaign. */
export function useCampaign(campaignId: string | null): CampaignMetricsEvent | null {
  const room = campaignId === null ? null : `campaign:${campaignId}`;
  const select = useCallback(
    ({ campaigns }: FactsSnapshot) => campaigns[room ?? ""] ?? null,
    [room],
  );
  return useFact(room, select);
}
