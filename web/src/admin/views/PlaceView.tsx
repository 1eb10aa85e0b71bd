import type { ReactElement } from "react";

import { usePageTitle } from "../../shell/usePageTitle";
import { Link } from "../routing/Link";
import type { Place, Query, View } from "../routing/place";
import { AuditPage } from "./AuditPage";
import { ConnectionPage } from "./ConnectionPage";
import { ConnectionsPage } from "./ConnectionsPage";
import { ContractsPage } from "./ContractsPage";
import { HealthPage } from "./HealthPage";
import { JobsPage } from "./JobsPage";
import { NodesPage } from "./NodesPage";
import { OverviewPage } from "./OverviewPage";
import { RoomPage } from "./RoomPage";
import { RoomsPage } from "./RoomsPage";

function UnknownPlace(): ReactElement {
  usePageTitle("Not found");
  return (
    <div className="empty">
      <h1>There is no such view</h1>
      <p>
        <Link view="overview">Go to the overview</Link>
      </p>
    </div>
  );
}

const PAGES: Readonly<Record<View, (query: Query) => ReactElement>> = {
  overview: () => <OverviewPage />,
  nodes: () => <NodesPage />,
  connections: (query) => <ConnectionsPage query={query} />,
  connection: (query) => <ConnectionPage key={query["id"]} id={query["id"] ?? ""} />,
  rooms: (query) => <RoomsPage query={query} />,
  room: (query) => <RoomPage key={query["name"]} name={query["name"] ?? ""} query={query} />,
  jobs: (query) => <JobsPage query={query} />,
  health: () => <HealthPage />,
  contracts: () => <ContractsPage />,
  audit: (query) => <AuditPage query={query} />,
};

/** The view of a place. */
export function PlaceView({ place }: { readonly place: Place }): ReactElement {
  return place.view === null ? <UnknownPlace /> : PAGES[place.view](place.query);
}
