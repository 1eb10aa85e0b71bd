import type { ReactElement } from "react";

import { formatElapsed } from "../../format/duration";
import { formatBytes, formatClock, formatSeconds } from "../../format/measure";
import { formatNumber } from "../../format/number";
import { useNow } from "../../shell/clock";
import { usePageTitle } from "../../shell/usePageTitle";
import { useApi, usePage } from "../api/context";
import { apiPath } from "../api/paths";
import type { ConnectionView, Cursor, Operation } from "../api/types";
import { useOperator } from "../api/useOperator";
import { ActionButton } from "../shell/ActionButton";
import { Crumb } from "../shell/Crumb";
import { PageBody } from "../shell/PageBody";
import { type Column, Table } from "../table/Table";
import { type Figure, Figures } from "./Figures";
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
      act={() => api.post("disconnect", { connection: id })}
      done={`${user} was disconnected.`}
    />
  );
}

/** When a token expires, as a time from now. */
function Expiry({ moment }: { readonly moment: number }): ReactElement {
  const now = useNow();
  const left = (moment - now) / 1_000;
  return (
    <time dateTime={new Date(moment).toISOString()} title={new Date(moment).toLocaleString()}>
      {left > 0 ? `in ${formatElapsed(left)}` : "has expired"}
    </time>
  );
}

function figuresOf({ connection, tokenExpiresAt }: ConnectionView): readonly Figure[] {
  const { state, since, roundTrip, lag, transport, address, node, id, contract } = connection;
  return [
    { name: "State", value: state, level: state === "ok" ? undefined : "warn" },
    { name: "Behind", value: <Lag entries={lag} /> },
    { name: "Connected for", value: <Since moment={since} /> },
    { name: "Round trip", value: roundTrip === null ? "–" : formatSeconds(roundTrip) },
    {
      name: "Token expires",
      value: tokenExpiresAt === null ? "never" : <Expiry moment={tokenExpiresAt} />,
    },
    { name: "Transport", value: transport },
    { name: "Address", value: address, title: address },
    { name: "Node", value: node, title: node },
    { name: "Connection", value: <code>{id}</code>, title: id },
    { name: "Contract", value: <code>{contract ?? "–"}</code>, title: contract ?? undefined },
  ];
}

function Body({ view }: { readonly view: ConnectionView }): ReactElement {
  const { connection, cursors, operations } = view;
  const { mayAct } = useOperator();
  usePageTitle(`${connection.user}, connection`);
  return (
    <>
      <div className="page-head">
        <h1>{connection.user}</h1>
        {mayAct && <Disconnect id={connection.id} user={connection.user} />}
      </div>
      <Figures isCompact items={figuresOf(view)} />
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
