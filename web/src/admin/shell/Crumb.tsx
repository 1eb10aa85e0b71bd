import type { ReactElement } from "react";

import { BackIcon } from "../../shell/icons";
import { Link } from "../routing/Link";
import type { View } from "../routing/place";

/** A link to the view above this one. */
export function Crumb({
  view,
  children,
}: {
  readonly view: View;
  readonly children: string;
}): ReactElement {
  return (
    <nav className="crumbs" aria-label="Breadcrumb">
      <Link view={view}>
        <BackIcon />
        {children}
      </Link>
    </nav>
  );
}
