import { Line } from "./line.js";
import { Pen } from "./style.js";

/** Longer lines are broken: output without newlines must not freeze the page. */
const MAX_COLUMNS = 20_000;

/** How many lines up the cursor may move: enough for multi-line progress bars. */
const REACH = 200;

/** An unterminated escape sequence longer than this is treated as text. */
const MAX_SEQUENCE = 4_096;

const CONTROL = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;
const CSI = /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])/y;
const STRING = /^\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)/;
const SHORT = /^\x1b[ -/]*[0-~]/;
/** Incomplete sequences of the three kinds, whose rest may be in the next write. */
const INCOMPLETE = [
  /^(?:\x1b\[|\x9b)[0-?]*[ -/]*$/,
  /^\x1b[\]PX^_][^\x07\x1b]*\x1b?$/,
  /^\x1b[ -/]*$/,
] as const;

/**
 * The screen of a terminal whose lines are all kept: a screen that is cleared stays in the log.
 *
 * Carriage return, backspace, tab, SGR colors, erasing, and cursor movement near the end work as on
 * a terminal. A write may end anywhere, even within an escape sequence.
 */
export class Screen {
  readonly lines: Line[] = [new Line()];
  #row = 0;
  #column = 0;
  #pending = "";
  readonly #pen = new Pen();
  #firstTouched = 0;

  /** The number of lines, without the empty one after a final newline. */
  get height(): number {
    const last = this.lines.at(-1);
    return last && last.length > 0 ? this.lines.length : this.lines.length - 1;
  }

  write(text: string): void {
    const data = this.#pending + text;
    this.#pending = "";
    let at = 0;
    while (at < data.length) {
      CONTROL.lastIndex = at;
      const end = CONTROL.exec(data)?.index ?? data.length;
      this.#print(data.slice(at, end));
      if (end === data.length) return;
      const length = this.#control(data, end);
      if (length === 0) {
        this.#pending = data.slice(end);
        return;
      }
      at = end + length;
    }
  }

  /** Returns the first line that changed since the last call; the number of lines if none did. */
  takeFirstTouched(): number {
    const first = this.#firstTouched;
    this.#firstTouched = this.lines.length;
    return first;
  }

  /** Removes lines from the top. */
  drop(count: number): void {
    this.lines.splice(0, count);
    if (this.lines.length === 0) this.lines.push(new Line());
    this.#row = Math.max(0, this.#row - count);
    this.#firstTouched = 0;
  }

  #touch(): Line {
    this.#firstTouched = Math.min(this.#firstTouched, this.#row);
    return this.lines[this.#row] ?? this.#grow();
  }

  #grow(): Line {
    const line = new Line();
    this.lines.push(line);
    return line;
  }

  #print(text: string): void {
    let rest = text;
    while (rest !== "") {
      const fits = rest.slice(0, MAX_COLUMNS - this.#column);
      this.#touch().write(this.#column, fits, this.#pen.style);
      this.#column += fits.length;
      rest = rest.slice(fits.length);
      if (this.#column >= MAX_COLUMNS) this.#newline();
    }
  }

  #newline(): void {
    this.#column = 0;
    this.#row += 1;
    if (this.#row === this.lines.length) this.#grow();
    this.#touch();
  }

  /** Executes the control sequence at `at`; returns its length, or 0 if it is incomplete. */
  #control(data: string, at: number): number {
    const character = data.charAt(at);
    if (character === "\x1b" || character === "\x9b") return this.#escape(data, at);
    if (character === "\n") this.#newline();
    else if (character === "\r") this.#column = 0;
    else if (character === "\b") this.#column = Math.max(0, this.#column - 1);
    return 1;
  }

  #escape(data: string, at: number): number {
    CSI.lastIndex = at;
    const csi = CSI.exec(data);
    if (csi) {
      this.#execute(csi[2] ?? "", csi[1] ?? "");
      return csi[0].length;
    }
    const rest = data.slice(at, at + MAX_SEQUENCE);
    if (rest.length < MAX_SEQUENCE && INCOMPLETE.some((pattern) => pattern.test(rest))) return 0;
    return (STRING.exec(rest) ?? SHORT.exec(rest))?.[0].length ?? 1;
  }

  #execute(command: string, parameters: string): void {
    const amount = Math.max(1, Number.parseInt(parameters, 10) || 0);
    const mode = Number.parseInt(parameters, 10) || 0;
    if (command === "m") this.#pen.select(parameters);
    else if (command === "K") this.#eraseLine(mode);
    else if (command === "J") this.#eraseBelow(mode);
    else if (command === "G") this.#moveTo(amount - 1);
    else if (command === "C") this.#moveTo(this.#column + amount);
    else if (command === "D") this.#moveTo(this.#column - amount);
    else this.#moveRows(command, amount);
  }

  #moveTo(column: number): void {
    this.#column = Math.min(Math.max(0, column), MAX_COLUMNS - 1);
  }

  #moveRows(command: string, amount: number): void {
    const steps = { A: -amount, F: -amount, B: amount, E: amount }[command];
    if (steps === undefined) return;
    const last = this.lines.length - 1;
    const highest = Math.max(0, last - REACH);
    this.#row = Math.min(Math.max(highest, this.#row + steps), last);
    if (command === "E" || command === "F") this.#column = 0;
  }

  #eraseLine(mode: number): void {
    const line = this.#touch();
    if (mode === 0) line.erase(this.#column, line.length);
    else line.erase(0, mode === 1 ? this.#column + 1 : line.length);
  }

  /** ED (ECMA-48 § 8.3.39), limited to erasing below the cursor, so that the log keeps older lines. */
  #eraseBelow(mode: number): void {
    if (mode !== 0) return;
    const line = this.#touch();
    line.erase(this.#column, line.length);
    this.lines.length = this.#row + 1;
  }
}
