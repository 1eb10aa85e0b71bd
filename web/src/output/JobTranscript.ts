import type { JobState, OutputChunk, Readable } from "longwire";

import { Transcript, type TranscriptSnapshot } from "../terminal/transcript";

/** Whether `after` is the same chunk, or one that has grown at its end. */
function continues(before: OutputChunk | undefined, after: OutputChunk | undefined): boolean {
  if (before === after) return true;
  return (
    before !== undefined &&
    after !== undefined &&
    (before.type ?? null) === (after.type ?? null) &&
    after.text.startsWith(before.text)
  );
}

/**
 * The transcript of a watched job: follows its output, and costs what is new.
 *
 * A job keeps the chunks it has, adds some at the end, lets the last one grow and drops old ones
 * from the start. Anything else is another output, and the transcript starts anew.
 */
export class JobTranscript implements Readable<TranscriptSnapshot> {
  readonly #transcript = new Transcript();
  #written: readonly OutputChunk[] = [];

  constructor(private readonly job: Readable<JobState>) {}

  readonly subscribe = (listener: () => void): (() => void) => this.job.subscribe(listener);

  readonly getSnapshot = (): TranscriptSnapshot => {
    this.#follow(this.job.getSnapshot().output);
    return this.#transcript.snapshot();
  };

  /** The text alone: what is copied and saved. */
  text(): string {
    return this.#transcript.text();
  }

  #follow(output: readonly OutputChunk[]): void {
    const before = this.#written;
    if (output === before) return;
    this.#written = output;
    const known = this.#known(before, output);
    if (known === 0) this.#transcript.clear();
    const grown = known > 0 ? output[known - 1] : undefined;
    if (grown) this.#write(grown, before.at(-1)?.text.length ?? 0);
    for (const chunk of output.slice(known)) this.#write(chunk, 0);
  }

  /** How many chunks of `output` have been written, the last of them perhaps in part. */
  #known(before: readonly OutputChunk[], output: readonly OutputChunk[]): number {
    const [first] = output;
    if (before.length === 0 || !first) return 0;
    const skipped = before.findIndex((chunk) => continues(chunk, first));
    if (skipped < 0) return 0;
    const known = before.length - skipped;
    return continues(before.at(-1), output[known - 1]) ? known : 0;
  }

  #write({ text, type }: OutputChunk, from: number): void {
    this.#transcript.write(text.slice(from), type ?? "writing");
  }
}
