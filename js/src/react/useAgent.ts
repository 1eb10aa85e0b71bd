import { useCallback } from "react";

import type { CatalogSnapshot } from "../catalogStore.js";
import type { Payload } from "../index.js";
import { type InitialData, newest } from "./newest.js";
import { useCatalog } from "./useCatalog.js";

/**
 * Returns an agent's status, current job and queue; null before its first event. Joins the agent's
 * room while mounted. A null type reads nothing.
 */
export function useAgent(
  agentType: Payload<"agent:status">["agentType"] | null,
  { initialData }: InitialData<Payload<"agent:status">> = {},
): Payload<"agent:status"> | null {
  const room = agentType === null ? null : `agent:${agentType}`;
  const select = useCallback(
    ({ agents }: CatalogSnapshot) => newest(agents[room ?? ""], initialData),
    [room, initialData],
  );
  return useCatalog(room, select);
}
