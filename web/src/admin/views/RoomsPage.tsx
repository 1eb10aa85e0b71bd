import type { ReactElement } from "react";

import { formatNumber } from "../../format/number";
import { usePage } from "../api/context";
import { apiPath } from "../api/paths";
import type { Room, RoomsView } from "../api/types";
import type { Query } from "../routing/place";
import { PageBody } from "../shell/PageBody";
import { type Column, type Sorting, Table } from "../table/Table";
import { Toolbar } from "../table/Toolbar";
import { Lag, MissingNodes, RoomLink } from "./parts";

const COLUMNS: readonly Column<Room>[] = [
  { key: "name", name: "Room", isWide: true, cell: ({ name }) => <RoomLink name={name} /> },
  {
    key: "readers",
    name: "Readers",
    isNumeric: true,
    cell: ({ readers }) => formatNumber(readers),
  },
  {
    key: "lagging",
    name: "Behind",
    isNumeric: true,
    cell: ({ lagging }) => <Lag entries={lagging} />,
  },
  {
    key: "maxLag",
    name: "Worst lag",
    isNumeric: true,
    cell: ({ maxLag }) => <Lag entries={maxLag} />,
  },
  { key: "end", name: "End", isNumeric: true, cell: ({ end }) => formatNumber(end) },
  {
    key: "epoch",
    name: "Epoch",
    cell: ({ epoch }) => <code className="cut">{epoch}</code>,
    title: ({ epoch }) => epoch,
  },
];

/** The rooms that have a reader, one page of them. */
export function RoomsPage({ query }: { readonly query: Query }): ReactElement {
  const sorting: Sorting = { view: "rooms", query, sort: query["sort"] ?? "-readers" };
  const page = usePage<RoomsView>(
    apiPath(["rooms"], {
      sort: sorting.sort,
      limit: query["limit"],
      prefix: query["prefix"],
    }),
  );
  return (
    <PageBody title="Rooms" page={page}>
      {({ rooms, total, missing }) => (
        <>
          <h1>Rooms</h1>
          <MissingNodes names={missing} />
          <Toolbar
            sorting={sorting}
            columns={COLUMNS}
            searchLabel="Names that begin with, such as job:"
            searchName="prefix"
            noun="room"
            shown={rooms.length}
            total={total}
          />
          {rooms.length === 0 ? (
            <p className="loading">
              {query["prefix"] === undefined
                ? "No room has a reader."
                : `No room with a reader begins with “${query["prefix"]}”.`}
            </p>
          ) : (
            <Table
              caption="Rooms"
              columns={COLUMNS}
              rows={rooms}
              keyOf={({ name }) => name}
              stateOf={({ lagging }) => (lagging > 0 ? "lagging" : undefined)}
              sorting={sorting}
            />
          )}
        </>
      )}
    </PageBody>
  );
}
