import type { ReactElement } from "react";

import { formatBytes, formatClock, formatSeconds } from "../../format/measure";
import { formatNumber } from "../../format/number";
import { usePageTitle } from "../../shell/usePageTitle";
import { useApi, usePage } from "../api/context";
import { apiPath } from "../api/paths";
import type { ConnectionView, Cursor, Operation } from "../api/types";
import { useOperator } from "../api/useOperator";
import { ActionButton } from "../shell/ActionButton";
import { Crumb } from "../shell/Crumb";
import { PageBody } from "../shell/PageBody";
import { type Column, Table } from "../table/Table";
import { Figures } from "./Figures";
import { Lag, RoomLink, Since } from "./parts";

/** A bar of how much of the log has been read. */
function CursorBar({
  offset,
  end,
}: {
  readonly offset: number;
  readonly end: number;
}): ReactElement {
  const share = end === 0 ? 1 : Math.min(1, Math.max(0, offset / end));
  return <span className="cursor-bar" style={{ "--share": share }} aria-hidden="true" />;
}

const CURSORS: readonly Column<Cursor>[] = [
  { key: "room", name: "Room", isWide: true, cell: ({ room }) => <RoomLink name={room} /> },
  {
    key: "state",
    name: "State",
    cell: ({ isLive }) => <span className="state">{isLive ? "live" : "catching up"}</span>,
  },
  { key: "lag", name: "Behind", isNumeric: true, cell: ({ lag }) => <Lag entries={lag} /> },
  { key: "offset", name: "Read to", isNumeric: true, cell: ({ offset }) => formatNumber(offset) },
  { key: "end", name: "End", isNumeric: true, cell: ({ end }) => formatNumber(end) },
  { key: "bar", name: "Read", cell: ({ offset, end }) => <CursorBar offset={offset} end={end} /> },
];

const OPERATIONS: readonly Column<Operation>[] = [
  { key: "at", name: "Time", cell: ({ at }) => formatClock(at) },
  {
    key: "direction",
    name: "Way",
    cell: ({ direction }) => (direction === "in" ? "← received" : "→ sent"),
  },
  { key: "event", name: "Event", cell: ({ event }) => event, title: ({ event }) => event },
  {
    key: "room",
    name: "Room",
    isWide: true,
    cell: ({ room }) => (room === null ? "–" : <RoomLink name={room} />),
  },
  {
    key: "offset",
    name: "Offset",
    isNumeric: true,
    cell: ({ offset }) => (offset === null ? "–" : formatNumber(offset)),
  },
  { key: "size", name: "Size", isNumeric: true, cell: ({ size }) => formatBytes(size) },
];

function Disconnect({ id, user }: { readonly id: string; readonly user: string }): ReactElement {
  const api = useApi();
  return (
    <ActionButton
      label="Disconnect"
      question={`Disconnect ${user}?`}
      confirmLabel="Disconnect"
      act={() => api.post("actions/disconnect", { connection: id })}
      done={`${user} was disconnected.`}
    />
  );
}

function Body({ view }: { readonly view: ConnectionView }): ReactElement {
  const { connection, cursors, operations, tokenExpiresAt } = view;
  const { mayAct } = useOperator();
  usePageTitle(`${connection.user}, connection`);
  return (
    <>
      <div className="page-head">
        <h1>{connection.user}</h1>
        {mayAct && <Disconnect id={connection.id} user={connection.user} />}
      </div>
      <Figures
        items={[
          {
            name: "State",
            value: connection.state,
            level: connection.state === "ok" ? undefined : "warn",
          },
          { name: "Connected for", value: <Since moment={connection.since} /> },
          {
            name: "Round trip",
            value: connection.roundTrip === null ? "–" : formatSeconds(connection.roundTrip),
          },
          { name: "Behind", value: <Lag entries={connection.lag} /> },
          { name: "Transport", value: connection.transport },
          { name: "Address", value: connection.address },
          { name: "Node", value: connection.node, title: connection.node },
          { name: "Connection", value: <code>{connection.id}</code>, title: connection.id },
          {
            name: "Token ends",
            value: tokenExpiresAt === null ? "never" : new Date(tokenExpiresAt).toLocaleString(),
          },
          ...(connection.contract === null
            ? []
            : [
                {
                  name: "Contract differs",
                  value: <code>{connection.contract.slice(0, 8)}</code>,
                  level: "bad" as const,
                },
              ]),
        ]}
      />
      <section>
        <h2>Rooms</h2>
        {cursors.length === 0 ? (
          <p className="loading">In no room.</p>
        ) : (
          <Table caption="Rooms" columns={CURSORS} rows={cursors} keyOf={({ room }) => room} />
        )}
      </section>
      <section>
        <h2>Operations</h2>
        <p className="section-note">
          The newest 200 since this view was opened. Recording ends when it is closed.
        </p>
        {operations.length === 0 ? (
          <p className="loading">Nothing yet.</p>
        ) : (
          <Table
            caption="Operations"
            columns={OPERATIONS}
            rows={operations}
            keyOf={(operation) => operationKeys.of(operation)}
          />
        )}
      </section>
    </>
  );
}

/** Gives operations keys that stay the same from one page to the next. */
const operationKeys = {
  of: ({ at, direction, event, room, offset, size }: Operation): string =>
    [at, direction, event, room, offset, size].join("|"),
};

/** One connection: its cursors, and what it sends and receives. */
export function ConnectionPage({ id }: { readonly id: string }): ReactElement {
  const page = usePage<ConnectionView>(apiPath(["connections", id]));
  return (
    <>
      <Crumb view="connections">Connections</Crumb>
      <PageBody title="Connection" page={page}>
        {(view) => <Body view={view} />}
      </PageBody>
    </>
  );
}
