import { useAssets } from "longwire/react";
import { type ReactElement, useId } from "react";

import { formatLabel } from "../format/number";

const SHOWN = 8;

/** The newest assets and their status. */
export function Assets(): ReactElement {
  const heading = useId();
  const assets = useAssets().slice(0, SHOWN);
  return (
    <section className="panel" aria-labelledby={heading}>
      <h2 id={heading}>Assets</h2>
      <ul>
        {assets.map((asset) => (
          <li className="asset" key={asset.id} data-status={asset.status}>
            <span className="asset-title">{asset.title}</span>
            <span className="asset-type">{formatLabel(asset.type)}</span>
            <span className="asset-status">{formatLabel(asset.status)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
