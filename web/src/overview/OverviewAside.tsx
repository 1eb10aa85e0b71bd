import type { ReactElement } from "react";

import { Agents } from "./Agents";
import { Assets } from "./Assets";
import { Budget } from "./Budget";
import { Campaigns } from "./Campaigns";

/** What there is beside jobs. A panel with nothing to tell is not shown: the style sheet's matter. */
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
