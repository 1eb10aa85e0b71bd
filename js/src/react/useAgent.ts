import { useCallback } from "react";

import type { CatalogSnapshot } from "../catalogStore.js";
import type { AgentStatusEvent, AgentType } from "../index.js";
import { useCatalog } from "./useCatalog.js";

/**
 * Returns an agent's status, current job and queue; null before its first event. Joins the agent's
 * room while mounted. A null type reads nothing.
 */
export function useAgent(agentType: AgentType | null): AgentStatusEvent | null {
  const room = agentType === null ? null : `agent:${agentType}`;
  const select = useCallback(({ agents }: CatalogSnapshot) => agents[room ?? ""] ?? null, [room]);
  return useCatalog(room, select);
}
