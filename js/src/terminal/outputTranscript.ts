import type { OutputChunk } from "../fold.js";
import { Transcript, type TranscriptSnapshot } from "./transcript.js";

/** Returns whether `after` is `before` with text appended. */
function hasGrown(before: OutputChunk, after: OutputChunk): boolean {
  return (before.type ?? null) === (after.type ?? null) && after.text.startsWith(before.text);
}

/**
 * Builds the transcript of a job's folded output, incrementally.
 *
 * A fold appends chunks, extends the last one, and drops old ones from the start. After any other
 * change the output is a different one, and the transcript starts over.
 */
export class OutputTranscript {
  readonly #transcript = new Transcript();
  #written: readonly OutputChunk[] = [];

  /** Returns the transcript of an output; the same object for the same output. */
  follow(output: readonly OutputChunk[]): TranscriptSnapshot {
    if (output !== this.#written) this.#catchUp(this.#written, output);
    this.#written = output;
    return this.#transcript.snapshot();
  }

  /** Returns the plain text. */
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

  /** Returns how many chunks of `output` are written, the last one possibly in part. */
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
