import type { ReactElement } from "react";

import { formatSeconds, formatShare } from "../../format/measure";
import { formatNumber } from "../../format/number";
import { usePage } from "../api/context";
import type { HealthRow, HealthView } from "../api/types";
import { PageBody } from "../shell/PageBody";
import { type Column, Table } from "../table/Table";
import { addCounts, Counts, Lag, MissingNodes } from "./parts";

function seconds(value: number | null): string {
  return value === null ? "–" : formatSeconds(value);
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, value) => sum + value, 0);
}

function node(): Column<HealthRow> {
  return {
    key: "node",
    name: "Node",
    isWide: true,
    cell: (row) => row.node,
    title: (row) => row.node,
  };
}

function lostShare({ resumes, resets }: HealthRow): string {
  return resumes + resets === 0 ? "–" : formatShare(resets / (resumes + resets));
}

const LOSSES: readonly Column<HealthRow>[] = [
  node(),
  { key: "resumes", name: "Resumed", isNumeric: true, cell: (row) => formatNumber(row.resumes) },
  { key: "resets", name: "Reset", isNumeric: true, cell: (row) => <Lag entries={row.resets} /> },
  { key: "share", name: "Reset share", isNumeric: true, cell: lostShare },
  {
    key: "lagging",
    name: "Behind now",
    isNumeric: true,
    cell: (row) => <Lag entries={row.lagging} />,
  },
];

const DELAYS: readonly Column<HealthRow>[] = [
  node(),
  { key: "loop", name: "Loop late", isNumeric: true, cell: (row) => formatSeconds(row.loopDelay) },
  { key: "broker", name: "Broker", isNumeric: true, cell: (row) => seconds(row.brokerDelay) },
  { key: "p50", name: "Round trip p50", isNumeric: true, cell: (row) => seconds(row.roundTripP50) },
  { key: "p99", name: "Round trip p99", isNumeric: true, cell: (row) => seconds(row.roundTripP99) },
];

const SIGN_INS: readonly Column<HealthRow>[] = [
  node(),
  {
    key: "signedIn",
    name: "Signed in",
    isNumeric: true,
    cell: (row) => formatNumber(row.signedIn),
  },
  {
    key: "refused",
    name: "Refused",
    isNumeric: true,
    cell: (row) => <Lag entries={total(row.refused)} />,
  },
  { key: "closed", name: "Ended", isNumeric: true, cell: (row) => formatNumber(total(row.closed)) },
];

function Body({ view }: { readonly view: HealthView }): ReactElement {
  const { nodes, missing } = view;
  const keyOf = (row: HealthRow): string => row.node;
  return (
    <>
      <h1>Health</h1>
      <MissingNodes names={missing} />
      <section>
        <h2>Who cannot stay connected?</h2>
        <div className="panels">
          <Counts
            isPart
            heading="Connections ended by"
            counts={addCounts(nodes.map((row) => row.closed))}
            empty="None has ended"
          />
          <Counts
            isPart
            heading="Sign-ins refused"
            counts={addCounts(nodes.map((row) => row.refused))}
            empty="None was refused"
          />
        </div>
        <Table caption="Sign-ins by node" columns={SIGN_INS} rows={nodes} keyOf={keyOf} />
      </section>
      <section>
        <h2>Did they lose anything?</h2>
        <p className="section-note">
          A reset is a join whose position the log no longer had: that reader may have missed
          entries.
        </p>
        <Table caption="Resumes by node" columns={LOSSES} rows={nodes} keyOf={keyOf} />
      </section>
      <section>
        <h2>Is it us or them?</h2>
        <p className="section-note">
          A late event loop or a slow broker is ours. Long round trips with neither are theirs.
        </p>
        <Table caption="Delays by node" columns={DELAYS} rows={nodes} keyOf={keyOf} />
      </section>
    </>
  );
}

/** How connections fare: the questions that an operator asks first. */
export function HealthPage(): ReactElement {
  const page = usePage<HealthView>("health");
  return (
    <PageBody title="Health" page={page}>
      {(view) => <Body view={view} />}
    </PageBody>
  );
}
