import { useCallback } from "react";

import type { CatalogSnapshot } from "../catalogStore.js";
import type { Payload } from "../index.js";
import { useCatalog } from "./useCatalog.js";

/**
 * Returns an agent's status, current job and queue; null before its first event. Joins the agent's
 * room while mounted. A null type reads nothing.
 */
export function useAgent(
  agentType: Payload<"agent:status">["agentType"] | null,
): Payload<"agent:status"> | null {
  const room = agentType === null ? null : `agent:${agentType}`;
  const select = useCallback(({ agents }: CatalogSnapshot) => agents[room ?? ""] ?? null, [room]);
  return useCatalog(room, select);
}
