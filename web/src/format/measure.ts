/** Formats sizes, rates and short times for people who compare many of them. */

import { formatDuration } from "./duration";
import { formatNumber } from "./number";

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Formats a measure with at most three digits, such as `0.42`, `7.1` or `128`. */
function three(value: number): string {
  if (value >= 99.95) return formatNumber(Math.round(value));
  if (value >= 9.995) return formatNumber(Number(value.toFixed(1)));
  return formatNumber(Number(value.toFixed(2)));
}

/** Formats a size in bytes with decimal units: `412 B`, `1.2 MB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return "–";
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? formatNumber(Math.round(value)) : three(value)} ${UNITS[unit] ?? ""}`;
}

/** Formats a number of events per second: `0/s`, `12.5/s`. */
export function formatRate(perSecond: number): string {
  return `${three(perSecond)}/s`;
}

/** Formats seconds with the unit that keeps them short: `0.42 ms`, `38 ms`, `1.5 s`, `2 m 05 s`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds === 0) return "0 ms";
  return seconds < 0.9995 ? `${three(seconds * 1_000)} ms` : formatDuration(seconds);
}

/** Formats a ratio between 0 and 1 in percent: `0%`, `0.4%`, `98%`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${formatNumber(Number(percent.toFixed(percent > 0 && percent < 10 ? 1 : 0)))}%`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** Formats a moment in milliseconds as the time of the day. */
export function formatClock(moment: number): string {
  return CLOCK.format(moment);
}
