/** Small parts that several views share. */

import type { ReactElement } from "react";

import { formatElapsed } from "../../format/duration";
import { count, formatNumber } from "../../format/number";
import { useNow } from "../../shell/clock";
import { Link } from "../routing/Link";

/** The time since a moment, which ticks; the moment itself is the title. */
export function Since({ moment }: { readonly moment: number }): ReactElement {
  const now = useNow();
  return (
    <time dateTime={new Date(moment).toISOString()} title={new Date(moment).toLocaleString()}>
      {formatElapsed((now - moment) / 1_000)}
    </time>
  );
}

export function RoomLink({ name }: { readonly name: string }): ReactElement {
  return (
    <Link className="name" view="room" query={{ name }} title={name}>
      {name}
    </Link>
  );
}

export function ConnectionLink({
  id,
  children = id,
}: {
  readonly id: string;
  readonly children?: string;
}): ReactElement {
  return (
    <Link className="name" view="connection" query={{ id }} title={id}>
      {children}
    </Link>
  );
}

/** A number of entries behind; zero is shown as a dash, which is easier to skip. */
export function Lag({ entries }: { readonly entries: number }): ReactElement {
  if (entries === 0) return <span className="none">–</span>;
  return <span className="lag">{formatNumber(entries)}</span>;
}

/** Names the nodes that did not answer, so that nothing is left out silently. */
export function MissingNodes({
  names,
}: {
  readonly names: readonly string[];
}): ReactElement | null {
  if (names.length === 0) return null;
  return (
    <p className="missing-note" role="status">
      <strong>{count(names.length, "node")} did not answer:</strong> {names.join(", ")}. What they
      carry is not shown.
    </p>
  );
}

/** Counts by name, the largest first, each with a bar. */
export function Counts({
  heading,
  counts,
  empty,
  isPart = false,
}: {
  readonly heading: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly empty: string;
  /** Whether the heading is below another one. */
  readonly isPart?: boolean;
}): ReactElement {
  const rows = Object.entries(counts)
    .filter(([, value]) => value > 0)
    .sort(([, a], [, b]) => b - a);
  const most = rows[0]?.[1] ?? 1;
  return (
    <section className="counts">
      {isPart ? <h3>{heading}</h3> : <h2>{heading}</h2>}
      {rows.length === 0 ? (
        <p className="none">{empty}</p>
      ) : (
        <dl>
          {rows.map(([name, value]) => (
            <div key={name} style={{ "--share": value / most }}>
              <dt title={name}>{name}</dt>
              <dd>{formatNumber(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}

/** Adds counts by name. */
export function addCounts(
  all: readonly Readonly<Record<string, number>>[],
): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, value] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum;
}
