import type { ReactElement } from "react";

import { Agents } from "./Agents";
import { Assets } from "./Assets";
import { Budget } from "./Budget";
import { Campaigns } from "./Campaigns";

/** Panels about everything except jobs. The style sheet hides empty ones. */
export function OverviewAside(): ReactElement {
  return (
    <aside className="overview" aria-label="Overview">
      <Budget />
      <Agents />
      <Campaigns />
      <Assets />
    </aside>
  );
}
