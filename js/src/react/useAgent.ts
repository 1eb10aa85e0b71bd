import { useCallback } from "react";

import type { FactsSnapshot } from "../facts.js";
import type { AgentStatusEvent, AgentType } from "../index.js";
import { useFact } from "./useFact.js";

/** What an agent is doing, and what waits for it; null until said. `null` means no agent. */
export function useAgent(agentType: AgentType | null): AgentStatusEvent | null {
  const room = agentType === null ? null : `agent:${agentType}`;
  const select = useCallback(({ agents }: FactsSnapshot) => agents[room ?? ""] ?? null, [room]);
  return useFact(room, select);
}
