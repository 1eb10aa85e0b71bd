import type { ReactElement } from "react";

import { formatBytes, formatClock } from "../../format/measure";
import { formatNumber } from "../../format/number";
import { usePage } from "../api/context";
import { apiPath } from "../api/paths";
import type { LogEntry, Reader, RoomView } from "../api/types";
import { Link } from "../routing/Link";
import type { Query } from "../routing/place";
import { Crumb } from "../shell/Crumb";
import { PageBody } from "../shell/PageBody";
import { type Column, Table } from "../table/Table";
import { Figures } from "./Figures";
import { ConnectionLink, Lag, MissingNodes } from "./parts";

function Payload({ entry }: { readonly entry: LogEntry }): ReactElement {
  if (entry.payload === null) return <span className="none">hidden</span>;
  const line = JSON.stringify(entry.payload);
  return (
    <details className="payload">
      <summary>{line}</summary>
      <pre>{JSON.stringify(entry.payload, null, 2)}</pre>
    </details>
  );
}

const ENTRIES: readonly Column<LogEntry>[] = [
  {
    key: "offset",
    name: "Offset",
    isNumeric: true,
    cell: ({ first, last }) =>
      first === last ? formatNumber(last) : `${formatNumber(first)}–${formatNumber(last)}`,
  },
  { key: "at", name: "Time", cell: ({ at }) => formatClock(at) },
  { key: "event", name: "Event", cell: ({ event }) => event, title: ({ event }) => event },
  {
    key: "slot",
    name: "Slot",
    cell: ({ slot }) => <span className="cut">{slot ?? "–"}</span>,
    title: ({ slot }) => slot ?? "",
  },
  { key: "size", name: "Size", isNumeric: true, cell: ({ size }) => formatBytes(size) },
  { key: "payload", name: "Payload", isWide: true, cell: (entry) => <Payload entry={entry} /> },
];

/** Where a reader stands between the first retained entry and the end. */
function shareOf(reader: Reader, first: number, end: number): number {
  const span = end - first + 1;
  return span <= 0 ? 1 : Math.min(1, Math.max(0, (reader.offset - first + 1) / span));
}

function readerColumns(first: number, end: number): readonly Column<Reader>[] {
  return [
    {
      key: "user",
      name: "User",
      isWide: true,
      cell: ({ connection, user }) => <ConnectionLink id={connection}>{user}</ConnectionLink>,
    },
    {
      key: "state",
      name: "State",
      cell: ({ isLive }) => <span className="state">{isLive ? "live" : "catching up"}</span>,
    },
    { key: "lag", name: "Behind", isNumeric: true, cell: ({ lag }) => <Lag entries={lag} /> },
    { key: "offset", name: "Read to", isNumeric: true, cell: ({ offset }) => formatNumber(offset) },
    {
      key: "bar",
      name: "Read",
      cell: (reader) => (
        <span
          className="cursor-bar"
          style={{ "--share": shareOf(reader, first, end) }}
          aria-hidden="true"
        />
      ),
    },
    {
      key: "node",
      name: "Node",
      cell: ({ node }) => <span className="cut">{node}</span>,
      title: ({ node }) => node,
    },
  ];
}

interface LogProps {
  readonly view: RoomView;
  readonly query: Query;
}

/** The log from some offset on, merged as a late joiner receives it. */
function Log({ view, query }: LogProps): ReactElement {
  const { entries, isComplete } = view;
  const after = query["after"];
  const last = entries.at(-1)?.last;
  return (
    <section>
      <h2>What a late joiner receives</h2>
      <p className="section-note">
        {entries.length === 1 ? "1 frame" : `${formatNumber(entries.length)} frames`}
        {after !== undefined && ` after offset ${after}`}
        {isComplete ? ", up to the end of the log." : ". The log goes on."} Merged entries are one
        frame.
      </p>
      {entries.length === 0 ? (
        <p className="loading">Nothing is retained here.</p>
      ) : (
        <Table
          caption="Log"
          columns={ENTRIES}
          rows={entries}
          keyOf={({ first, last: end }) => `${first}-${end}`}
        />
      )}
      <p className="log-pages">
        {after !== undefined && (
          <Link view="room" query={{ ...query, after: "" }}>
            From the start
          </Link>
        )}
        {!isComplete && last !== undefined && (
          <Link view="room" query={{ ...query, after: String(last) }}>
            After offset {formatNumber(last)}
          </Link>
        )}
      </p>
    </section>
  );
}

function Body({ view, query }: LogProps): ReactElement {
  const { room, first, readers, size, missing } = view;
  return (
    <>
      <h1>{room.name}</h1>
      <MissingNodes names={missing} />
      <Figures
        isCompact
        items={[
          { name: "Readers", value: formatNumber(room.readers) },
          { name: "Behind", value: <Lag entries={room.lagging} /> },
          { name: "Worst lag", value: <Lag entries={room.maxLag} /> },
          {
            name: "Retained",
            value:
              first === null ? "nothing" : `${formatNumber(first)} to ${formatNumber(room.end)}`,
          },
          { name: "Shown", value: formatBytes(size) },
          { name: "Epoch", value: <code>{room.epoch}</code>, title: room.epoch },
        ]}
      />
      <section>
        <h2>Readers</h2>
        {readers.length === 0 ? (
          <p className="loading">No reader.</p>
        ) : (
          <Table
            caption="Readers"
            columns={readerColumns(first ?? room.end, room.end)}
            rows={readers}
            keyOf={({ connection }) => connection}
            stateOf={({ isLive }) => (isLive ? undefined : "lagging")}
          />
        )}
      </section>
      <Log view={view} query={query} />
    </>
  );
}

/** One room: its log as a late joiner gets it, and how far each reader is. */
export function RoomPage({
  name,
  query,
}: {
  readonly name: string;
  readonly query: Query;
}): ReactElement {
  const page = usePage<RoomView>(
    apiPath(["rooms", name], {
      limit: query["limit"],
      after: query["after"],
    }),
  );
  return (
    <>
      <Crumb view="rooms">Rooms</Crumb>
      <PageBody title={name} page={page}>
        {(view) => <Body view={view} query={query} />}
      </PageBody>
    </>
  );
}
