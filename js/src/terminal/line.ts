import type { Style } from "./style.js";

/** Text of one style. */
export interface Run {
  readonly text: string;
  readonly style: Style | null;
}

const PROPERTIES = [
  "color",
  "backgroundColor",
  "fontWeight",
  "fontStyle",
  "textDecorationLine",
  "opacity",
] as const satisfies readonly (keyof Style)[];

function sameStyle(one: Style | null, other: Style | null): boolean {
  if (one === null || other === null) return one === other;
  return one === other || PROPERTIES.every((property) => one[property] === other[property]);
}

/** Appends text to runs; extends the last run if it has the same style. */
export function pushRun(runs: Run[], text: string, style: Style | null): void {
  if (text === "") return;
  const last = runs.at(-1);
  if (last && sameStyle(last.style, style)) {
    runs[runs.length - 1] = { text: last.text + text, style };
  } else {
    runs.push({ text, style });
  }
}

function sliceRuns(runs: readonly Run[], from: number, to: number): Run[] {
  const slice: Run[] = [];
  let start = 0;
  for (const { text, style } of runs) {
    pushRun(slice, text.slice(Math.max(0, from - start), Math.max(0, to - start)), style);
    start += text.length;
  }
  return slice;
}

/** One line of a terminal. Its text can be overwritten, as progress bars do. */
export class Line {
  #runs: Run[] = [];
  #length = 0;
  #snapshot: readonly Run[] | null = null;

  get length(): number {
    return this.#length;
  }

  get text(): string {
    return this.#runs.map((run) => run.text).join("");
  }

  /** The current runs; the same array until the line changes. */
  get runs(): readonly Run[] {
    this.#snapshot ??= [...this.#runs];
    return this.#snapshot;
  }

  /** Overwrites text from a column on. Blanks fill the gap if the column is beyond the end. */
  write(column: number, text: string, style: Style | null): void {
    this.#snapshot = null;
    if (column > this.#length) this.#append(" ".repeat(column - this.#length), null);
    if (column === this.#length) this.#append(text, style);
    else this.#overwrite(column, text, style);
  }

  /** Blanks the columns from `from` to `to`; at the end of the line, shortens it instead. */
  erase(from: number, to: number): void {
    if (from >= this.#length) return;
    this.#snapshot = null;
    if (to >= this.#length) this.#replace(sliceRuns(this.#runs, 0, from));
    else this.#overwrite(from, " ".repeat(to - from), null);
  }

  #append(text: string, style: Style | null): void {
    pushRun(this.#runs, text, style);
    this.#length += text.length;
  }

  #overwrite(column: number, text: string, style: Style | null): void {
    const runs = sliceRuns(this.#runs, 0, column);
    pushRun(runs, text, style);
    for (const run of sliceRuns(this.#runs, column + text.length, this.#length)) {
      pushRun(runs, run.text, run.style);
    }
    this.#replace(runs);
  }

  #replace(runs: Run[]): void {
    this.#runs = runs;
    this.#length = runs.reduce((sum, run) => sum + run.text.length, 0);
  }
}
