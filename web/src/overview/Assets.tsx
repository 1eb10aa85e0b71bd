import type { ContentAsset } from "longwire";
import { type ReactElement, useId } from "react";

import { formatLabel } from "../format/number";

/** What the agents made last, and how far it is from being published. */
export function Assets({ assets }: { readonly assets: readonly ContentAsset[] }): ReactElement {
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Assets</h2>
      <ul>
        {assets.map((asset) => (
          <li className="asset" key={asset.id}>
            <span className="asset-title">{asset.title}</span>
            <span className="asset-state">
              {formatLabel(asset.type)} · {formatLabel(asset.status)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
