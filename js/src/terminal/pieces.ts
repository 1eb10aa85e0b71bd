import { pushRun, type Run } from "./line.js";
import type { Style } from "./style.js";

/** What a block is drawn from: text of one look, and where it leads if it is an address. */
export interface Piece {
  readonly text: string;
  readonly style: Style | null;
  readonly href?: string;
}

// Ends before punctuation that rather belongs to the sentence around it.
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}]/g;

function withLinks({ text, style }: Run): Piece[] {
  if (!text.includes("://")) return [{ text, style }];
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), style });
    pieces.push({ text: match[0], style, href: match[0] });
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), style });
  return pieces;
}

/** Joins the lines of a block: a block without colours becomes a single piece of text. */
export function piecesOf(rows: readonly (readonly Run[])[]): Piece[] {
  const runs: Run[] = [];
  for (const row of rows) {
    for (const run of row) pushRun(runs, run.text, run.style);
    pushRun(runs, "\n", null);
  }
  return runs.flatMap(withLinks);
}

/** The text of some lines, without its looks. */
export function textOf(rows: readonly (readonly Run[])[]): string {
  return rows.map((row) => row.map((run) => run.text).join("") + "\n").join("");
}
