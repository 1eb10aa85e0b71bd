import { type PointerEvent, type ReactElement, useId, useState } from "react";

import { formatDuration } from "../../format/duration";
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
  /** The scale reaches at least to this value, so that noise does not look like a problem. */
  readonly least?: number;
}

/** Describes the whole chart in words. */
function summaryOf(samples: readonly Sample[], format: (value: number) => string): string {
  const known = samples.filter((value) => value !== null);
  const newest = known.at(-1);
  if (newest === undefined) return "No samples yet";
  return `Now ${format(newest)}, at most ${format(Math.max(...known))}`;
}

/** A value, or a dash if it is not known. */
function orDash(value: Sample, format: (value: number) => string): string {
  return value === null ? "–" : format(value);
}

interface PlotProps extends ChartProps {
  readonly ceiling: number;
  /** The index of the sample to mark. */
  readonly marked: number | null;
  readonly onPoint: (index: number | null) => void;
}

function Plot({ samples, format, ceiling, marked, onPoint }: PlotProps): ReactElement {
  const last = samples.length - 1;
  function point(event: PointerEvent<SVGSVGElement>): void {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    onPoint(last < 1 ? null : Math.round(share * last));
  }
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={summaryOf(samples, format)}
      onPointerMove={point}
      onPointerLeave={() => onPoint(null)}
    >
      {marked !== null && (
        <path className="chart-cross" d={`M${((marked / last) * WIDTH).toFixed(1)} 0V${HEIGHT}`} />
      )}
      <path className="chart-line" d={linePath(samples, ceiling)} />
    </svg>
  );
}

/** The last minutes of one measure: its newest value, and a line. Pointing at it shows older ones. */
export function Chart(props: ChartProps): ReactElement {
  const { title, samples, until, period, format, least } = props;
  const heading = useId();
  const [pointed, setPointed] = useState<number | null>(null);
  const ceiling = ceilingOf(samples, least);
  const last = samples.length - 1;
  const marked = pointed === null || pointed > last ? null : pointed;
  const value = marked === null ? newestOf(samples) : (samples[marked] ?? null);
  return (
    <figure className="chart" aria-labelledby={heading}>
      <figcaption id={heading}>{title}</figcaption>
      <p className="chart-value">
        {orDash(value, format)}
        {marked !== null && (
          <span className="chart-when">{formatClock(until - (last - marked) * period)}</span>
        )}
      </p>
      <Plot {...props} ceiling={ceiling} marked={marked} onPoint={setPointed} />
      <p className="chart-scale" aria-hidden="true">
        <span>0 to {format(ceiling)}</span>
        <span>{last > 0 && `last ${formatDuration(Math.round((last * period) / 1_000))}`}</span>
      </p>
    </figure>
  );
}
