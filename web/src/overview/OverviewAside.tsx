import type { ReactElement } from "react";

import { Agents } from "./Agents";
import { Assets } from "./Assets";
import { Budget } from "./Budget";
import { useOverview } from "./useOverview";

/** What there is beside jobs; nothing at all where nobody publishes it. */
export function OverviewAside(): ReactElement | null {
  const { budget, warning, agents, assets } = useOverview();
  const hasBudget = budget !== null || warning !== null;
  if (!hasBudget && agents.length === 0 && assets.length === 0) return null;
  return (
    <aside className="overview" aria-label="Overview">
      {hasBudget && <Budget budget={budget} warning={warning} />}
      {agents.length > 0 && <Agents agents={agents} />}
      {assets.length > 0 && <Assets assets={assets} />}
    </aside>
  );
}
