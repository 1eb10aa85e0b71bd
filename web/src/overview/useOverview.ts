import { useClient } from "longwire/react";
import { createContext, useContext, useMemo, useSyncExternalStore } from "react";

import { Overview, type OverviewSnapshot } from "./Overview";

const NOTHING: OverviewSnapshot = { budget: null, warning: null, agents: [], assets: [], announcements: [] };

export const OverviewContext = createContext<OverviewSnapshot>(NOTHING);

/** Follows everything beside jobs, from the first event on: what was missed does not come again. */
export function useOverviewSource(): OverviewSnapshot {
  const client = useClient();
  const overview = useMemo(() => new Overview(client), [client]);
  return useSyncExternalStore(overview.subscribe, overview.getSnapshot);
}

/** What there is to know beside jobs. */
export function useOverview(): OverviewSnapshot {
  return useContext(OverviewContext);
}
