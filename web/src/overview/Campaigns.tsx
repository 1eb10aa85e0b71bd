import type { CampaignMetrics } from "longwire";
import { useCampaign } from "longwire/react";
import { type ReactElement, useId } from "react";

import { formatCost, formatNumber, formatRatio } from "../format/number";
import { useRooms } from "./useRooms";

const PREFIX = "campaign:";
const SHOWN = 8;

function Figures({ metrics }: { readonly metrics: CampaignMetrics }): ReactElement {
  const { impressions, clicks, conversions, cost } = metrics;
  return (
    <p className="campaign-figures">
      <span>{formatNumber(impressions)} seen</span>
      <span>{formatNumber(clicks)} clicked</span>
      <span>{formatNumber(conversions)} converted</span>
      <span>{formatCost(cost)} spent</span>
    </p>
  );
}

function Campaign({ campaignId }: { readonly campaignId: string }): ReactElement | null {
  const campaign = useCampaign(campaignId);
  if (campaign === null) return null;
  const { metrics } = campaign;
  return (
    <li className="campaign" data-outcome={metrics.roi < 0 ? "loss" : "gain"}>
      <span className="campaign-name">{campaignId}</span>
      <span className="campaign-roi">
        <span className="visually-hidden">Return on investment </span>
        {formatRatio(metrics.roi)}
      </span>
      <Figures metrics={metrics} />
    </li>
  );
}

/** The metrics of the campaigns that changed last. */
export function Campaigns(): ReactElement {
  const heading = useId();
  const rooms = useRooms(PREFIX).slice(0, SHOWN);
  return (
    <section className="panel" aria-labelledby={heading}>
      <h2 id={heading}>Campaigns</h2>
      <ul>
        {rooms.map((room) => (
          <Campaign key={room} campaignId={room.slice(PREFIX.length)} />
        ))}
      </ul>
    </section>
  );
}
