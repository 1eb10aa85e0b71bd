import { pushRun, type Run } from "./line.js";
import type { Style } from "./style.js";

/** Text of one style for rendering, with a link target if the text is a URL. */
export interface Piece {
  readonly text: string;
  readonly style: Style | null;
  readonly href?: string;
}

// Excludes trailing punctuation, which usually belongs to the sentence.
const URLS = /\bhttps?:\/\/[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}]/g;

function withLinks({ text, style }: Run): Piece[] {
  if (!text.includes("://")) return [{ text, style }];
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(URLS)) {
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), style });
    pieces.push({ text: match[0], style, href: match[0] });
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), style });
  return pieces;
}

/** Joins the lines of a block into pieces; a block without styles and links becomes a single one. */
export function piecesOf(rows: readonly (readonly Run[])[]): Piece[] {
  const runs: Run[] = [];
  for (const row of rows) {
    for (const run of row) pushRun(runs, run.text, run.style);
    pushRun(runs, "\n", null);
  }
  return runs.flatMap(withLinks);
}

/** Returns the plain text of some lines. */
export function textOf(rows: readonly (readonly Run[])[]): string {
  return rows.map((row) => row.map((run) => run.text).join("") + "\n").join("");
}
