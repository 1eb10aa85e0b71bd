import { type ReactElement, useMemo } from "react";

import { formatBytes, formatRate, formatSeconds, formatShare } from "../../format/measure";
import { formatNumber } from "../../format/number";
import { usePage } from "../api/context";
import type { Overview } from "../api/types";
import { Chart } from "../chart/Chart";
import { Link } from "../routing/Link";
import { PageBody } from "../shell/PageBody";
import { Figures } from "./Figures";
import { timelineOf, totalsOf } from "./overview";
import { addCounts, Counts, MissingNodes } from "./parts";

function Charts({ overview }: { readonly overview: Overview }): ReactElement {
  const lines = useMemo(() => timelineOf(overview.samples), [overview.samples]);
  const { until, period } = lines;
  const shared = { until, period };
  return (
    <div className="charts">
      <Chart title="Connections" samples={lines.connections} format={formatNumber} {...shared} />
      <Chart title="Published" samples={lines.published} format={formatRate} {...shared} />
      <Chart title="Deliveries" samples={lines.deliveries} format={formatRate} {...shared} />
      <Chart title="Resumes" samples={lines.resumes} format={formatRate} {...shared} />
      <Chart title="Resets" samples={lines.resets} format={formatRate} {...shared} />
      <Chart
        title="Event loop late by"
        samples={lines.loopDelay}
        format={formatSeconds}
        least={0.01}
        {...shared}
      />
    </div>
  );
}

function Body({ overview }: { readonly overview: Overview }): ReactElement {
  const { nodes } = overview;
  const totals = totalsOf(nodes);
  const here = nodes.filter((node) => !node.isMissing);
  const missing = nodes.filter((node) => node.isMissing).map((node) => node.name);
  return (
    <>
      <h1 className="visually-hidden">Overview</h1>
      <MissingNodes names={missing} />
      <Figures
        items={[
          {
            name: "Connections",
            value: <Link view="connections">{formatNumber(totals.connections)}</Link>,
          },
          {
            name: "Users",
            value: formatNumber(totals.users),
            title: "Added over the nodes: a user of two nodes counts twice",
          },
          {
            name: "Rooms with a reader",
            value: <Link view="rooms">{formatNumber(totals.rooms)}</Link>,
          },
          {
            name: "Readers behind",
            value: formatNumber(totals.lagging),
            level: totals.lagging > 0 ? "warn" : undefined,
          },
          {
            name: "Resumed without loss",
            value: totals.recovered === null ? "–" : formatShare(totals.recovered),
            title: "Joins with a position that continued there, since the nodes started",
          },
          { name: "Memory", value: formatBytes(totals.memory) },
          {
            name: "Nodes",
            value: <Link view="nodes">{formatNumber(nodes.length)}</Link>,
            level: totals.missing > 0 ? "bad" : undefined,
          },
        ]}
      />
      <Charts overview={overview} />
      <div className="panels">
        <Counts heading="Jobs by status" counts={overview.jobs} empty="No jobs yet" />
        <Counts
          heading="Published by event"
          counts={addCounts(here.map((node) => node.published))}
          empty="Nothing published yet"
        />
        <Counts
          heading="Connections ended by"
          counts={addCounts(here.map((node) => node.closed))}
          empty="None has ended"
        />
        <Counts
          heading="Refused"
          counts={addCounts(here.flatMap((node) => [node.refused, node.refusedSignIns]))}
          empty="Nothing was refused"
        />
      </div>
    </>
  );
}

/** All nodes together: totals, the last 15 minutes, and counts since the nodes started. */
export function OverviewPage(): ReactElement {
  const page = usePage<Overview>("overview");
  return (
    <PageBody title="Overview" page={page}>
      {(overview) => <Body overview={overview} />}
    </PageBody>
  );
}
