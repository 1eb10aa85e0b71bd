import type { OutputChunk } from "../fold.js";
import { Transcript, type TranscriptSnapshot } from "./transcript.js";

/** Whether `after` is `before` with text added at its end. */
function hasGrown(before: OutputChunk, after: OutputChunk): boolean {
  return (before.type ?? null) === (after.type ?? null) && after.text.startsWith(before.text);
}

/**
 * The transcript of a job's output as the client folds it; each look costs what is new.
 *
 * A job keeps the chunks that it has, adds some at the end, lets the last one grow and drops old
 * ones from the start. Anything else is another output, and the transcript starts anew.
 */
export class OutputTranscript {
  readonly #transcript = new Transcript();
  #written: readonly OutputChunk[] = [];

  /** What there is to show of an output; the same object for the same output. */
  follow(output: readonly OutputChunk[]): TranscriptSnapshot {
    if (output !== this.#written) this.#catchUp(this.#written, output);
    this.#written = output;
    return this.#transcript.snapshot();
  }

  /** The text alone: what is copied and saved. */
  text(): string {
    return this.#transcript.text();
  }

  #catchUp(before: readonly OutputChunk[], output: readonly OutputChunk[]): void {
    const known = this.#known(before, output);
    if (known === 0) this.#transcript.clear();
    const grown = known > 0 ? output[known - 1] : undefined;
    if (grown) this.#write(grown, before.at(-1)?.text.length ?? 0);
    for (const chunk of output.slice(known)) this.#write(chunk, 0);
  }

  /** How many chunks of `output` have been written, the last of them perhaps in part. */
  #known(before: readonly OutputChunk[], output: readonly OutputChunk[]): number {
    const [first] = output;
    const last = before.at(-1);
    if (!first || !last) return 0;
    const isOnlyGrown = before.length === 1 && hasGrown(last, first);
    const skipped = isOnlyGrown ? 0 : before.indexOf(first);
    if (skipped < 0) return 0;
    const known = before.length - skipped;
    const now = output[known - 1];
    return now && hasGrown(last, now) ? known : 0;
  }

  #write({ text, type }: OutputChunk, from: number): void {
    this.#transcript.write(text.slice(from), type ?? "writing");
  }
}
