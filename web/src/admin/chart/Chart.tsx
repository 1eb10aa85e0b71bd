import { type PointerEvent, type ReactElement, useId, useState } from "react";

import { formatClock } from "../../format/measure";
import { ceilingOf, HEIGHT, linePath, newestOf, type Sample, WIDTH } from "./series";

export interface ChartProps {
  readonly title: string;
  readonly samples: readonly Sample[];
  /** When the newest sample was taken, in milliseconds since the epoch. */
  readonly until: number;
  /** The time between two samples, in milliseconds. */
  readonly period: number;
  readonly format: (value: number) => string;
}

/** The last minutes of one measure: its newest value, and a line. Pointing at it shows older ones. */
export function Chart({ title, samples, until, period, format }: ChartProps): ReactElement {
  const heading = useId();
  const [pointed, setPointed] = useState<number | null>(null);
  const ceiling = ceilingOf(samples);
  const newest = newestOf(samples);
  const last = samples.length - 1;
  const index = pointed === null ? null : Math.round(pointed * last);
  const shown = index === null ? newest : (samples[index] ?? null);
  const when = index === null ? null : formatClock(until - (last - index) * period);
  const known = samples.filter((value) => value !== null);
  const most = known.length === 0 ? null : Math.max(...known);
  const summary =
    newest === null || most === null
      ? "No samples yet"
      : `Now ${format(newest)}, at most ${format(most)}`;
  function point(event: PointerEvent<SVGSVGElement>): void {
    const box = event.currentTarget.getBoundingClientRect();
    setPointed(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  }
  const x = index === null || last <= 0 ? null : (index / last) * WIDTH;
  return (
    <figure className="chart" aria-labelledby={heading}>
      <figcaption id={heading}>{title}</figcaption>
      <p className="chart-value">
        {shown === null ? "–" : format(shown)}
        {when !== null && <span className="chart-when">{when}</span>}
      </p>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={summary}
        onPointerMove={point}
        onPointerLeave={() => setPointed(null)}
      >
        <path className="chart-line" d={linePath(samples, ceiling)} />
        {x !== null && <path className="chart-cross" d={`M${x.toFixed(1)} 0V${HEIGHT}`} />}
      </svg>
      <p className="chart-scale" aria-hidden="true">
        <span>0 to {format(ceiling)}</span>
        <span>{last > 0 ? `last ${Math.round((last * period) / 60_000)} min` : ""}</span>
      </p>
    </figure>
  );
}
