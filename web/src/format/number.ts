const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const DOLLARS = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const FRACTIONS = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 4,
});

/** A number with its thousands set apart; a small one with the digits that it has. */
export function formatNumber(value: number): string {
  return (Math.abs(value) < 0.1 ? SMALL : GROUPED).format(value);
}

/** A cost: cents where cents say something, more digits where it would read as nothing. */
export function formatCost(cost: number): string {
  return (cost !== 0 && Math.abs(cost) < 0.01 ? FRACTIONS : DOLLARS).format(cost);
}

/** Progress in whole percent. Only what is done is called 100. */
export function formatPercent(progress: number): string {
  return `${Math.floor(progress)}%`;
}

/** A ratio as a change in percent, with its sign. */
export function formatRatio(ratio: number): string {
  const percent = Math.round(ratio * 100);
  return `${percent > 0 ? "+" : percent < 0 ? "\u2212" : ""}${GROUPED.format(Math.abs(percent))}%`;
}

/** `1 line`, `2 lines`. */
export function count(amount: number, noun: string): string {
  return `${formatNumber(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}

/** A metric of any shape as one line of text. */
export function formatMetric(value: unknown): string {
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}

/** `wordsPerFile` and `words_per_file` as a label: `Words per file`. */
export function formatLabel(key: string): string {
  const words = key
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
