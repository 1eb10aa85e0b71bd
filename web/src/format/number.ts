const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const DOLLARS = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const FRACTIONS = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 4,
});

/** Formats a number with thousands separators; a small one with three significant digits. */
export function formatNumber(value: number): string {
  return (Math.abs(value) < 0.1 ? SMALL : GROUPED).format(value);
}

/** Formats a cost in cents, or with more digits if it is less than a cent. */
export function formatCost(cost: number): string {
  return (cost !== 0 && Math.abs(cost) < 0.01 ? FRACTIONS : DOLLARS).format(cost);
}

/** Formats progress in whole percent, rounded down: 100% means done. */
export function formatPercent(progress: number): string {
  return `${Math.floor(progress)}%`;
}

/** Formats a ratio as a signed change in percent. */
export function formatRatio(ratio: number): string {
  const percent = Math.round(ratio * 100);
  return `${percent > 0 ? "+" : percent < 0 ? "\u2212" : ""}${GROUPED.format(Math.abs(percent))}%`;
}

/** Formats an amount with its noun: `1 line`, `2 lines`. */
export function count(amount: number, noun: string): string {
  return `${formatNumber(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}

/** Formats a metric of any type as one line of text. */
export function formatMetric(value: unknown): string {
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

/** Turns `wordsPerFile` or `words_per_file` into the label `Words per file`. */
export function formatLabel(key: string): string {
  const words = key
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
