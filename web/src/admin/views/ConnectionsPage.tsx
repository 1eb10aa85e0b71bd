import type { ReactElement } from "react";

import { formatSeconds } from "../../format/measure";
import { formatNumber } from "../../format/number";
import { usePage } from "../api/context";
import { apiPath } from "../api/paths";
import type { Connection, ConnectionsView } from "../api/types";
import type { Query } from "../routing/place";
import { PageBody } from "../shell/PageBody";
import { type Column, type Sorting, Table } from "../table/Table";
import { Toolbar } from "../table/Toolbar";
import { ConnectionLink, Lag, MissingNodes, Since } from "./parts";

const COLUMNS: readonly Column<Connection>[] = [
  {
    key: "user",
    name: "User",
    isWide: true,
    cell: ({ id, user, isService }) => (
      <>
        <ConnectionLink id={id}>{user}</ConnectionLink>
        {isService && <span className="tag">service</span>}
      </>
    ),
  },
  { key: "state", name: "State", cell: ({ state }) => <span className="state">{state}</span> },
  { key: "lag", name: "Behind", isNumeric: true, cell: ({ lag }) => <Lag entries={lag} /> },
  { key: "rooms", name: "Rooms", isNumeric: true, cell: ({ rooms }) => formatNumber(rooms) },
  {
    key: "roundTrip",
    name: "Round trip",
    isNumeric: true,
    cell: ({ roundTrip }) => (roundTrip === null ? "–" : formatSeconds(roundTrip)),
  },
  { key: "since", name: "Since", isNumeric: true, cell: ({ since }) => <Since moment={since} /> },
  { key: "transport", name: "Transport", cell: ({ transport }) => transport },
  {
    key: "address",
    name: "Address",
    cell: ({ address }) => <span className="cut">{address}</span>,
    title: ({ address }) => address,
  },
  {
    key: "node",
    name: "Node",
    cell: ({ node }) => <span className="cut">{node}</span>,
    title: ({ node }) => node,
  },
  {
    key: "id",
    name: "Connection",
    cell: ({ id }) => <code className="cut">{id}</code>,
    title: ({ id }) => id,
  },
];

const SORT = "-lag";

function NoConnections({ query }: { readonly query: Query }): ReactElement {
  if (query["q"] === undefined) return <p className="loading">No client is connected.</p>;
  return <p className="loading">No connection matches “{query["q"]}”.</p>;
}

/** The clients that are signed in, one page of them. */
export function ConnectionsPage({ query }: { readonly query: Query }): ReactElement {
  const sorting: Sorting = { view: "connections", query, sort: query["sort"] ?? SORT };
  const page = usePage<ConnectionsView>(
    apiPath(["connections"], { sort: sorting.sort, limit: query["limit"], q: query["q"] }),
  );
  return (
    <PageBody title="Connections" page={page}>
      {({ connections, total, missing }) => (
        <>
          <h1>Connections</h1>
          <MissingNodes names={missing} />
          <Toolbar
            sorting={sorting}
            columns={COLUMNS}
            searchLabel="Search user, id, node, address"
            noun="connection"
            shown={connections.length}
            total={total}
          />
          {connections.length === 0 ? (
            <NoConnections query={query} />
          ) : (
            <Table
              caption="Connections"
              columns={COLUMNS}
              rows={connections}
              keyOf={({ id }) => id}
              stateOf={({ state }) => state}
              sorting={sorting}
            />
          )}
        </>
      )}
    </PageBody>
  );
}
