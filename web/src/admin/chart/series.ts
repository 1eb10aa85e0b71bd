/** One measurement; null where the node was not running. */
export type Sample = number | null;

export const WIDTH = 300;
export const HEIGHT = 56;

/** Returns the greatest value to draw: a round number at or above all samples, and `least`. */
export function ceilingOf(samples: readonly Sample[], least = 1): number {
  const greatest = samples.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  if (greatest <= least) return least;
  const step = 10 ** Math.floor(Math.log10(greatest));
  for (const factor of [1, 2, 5]) if (greatest <= factor * step) return factor * step;
  return 10 * step;
}

/** Returns the path of a line through the samples, with gaps, in a box of `WIDTH` by `HEIGHT`. */
export function linePath(samples: readonly Sample[], ceiling: number): string {
  const stepX = samples.length > 1 ? WIDTH / (samples.length - 1) : 0;
  let path = "";
  let isDrawing = false;
  samples.forEach((value, index) => {
    if (value === null) {
      isDrawing = false;
      return;
    }
    const x = (index * stepX).toFixed(1);
    const y = (HEIGHT - (Math.min(value, ceiling) / ceiling) * HEIGHT).toFixed(1);
    // A value without neighbours is a dot.
    const isAlone = !isDrawing && (samples[index + 1] ?? null) === null;
    path += `${isDrawing ? "L" : "M"}${x} ${y}${isAlone ? "h0" : ""}`;
    isDrawing = true;
  });
  return path;
}

/** Returns the newest sample that is known. */
export function newestOf(samples: readonly Sample[]): Sample {
  for (let index = samples.length - 1; index >= 0; index -= 1) {
    const value = samples[index] ?? null;
    if (value !== null) return value;
  }
  return null;
}
