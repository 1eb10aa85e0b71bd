import { Store } from "../store.js";

/** `polite` waits for a pause in speech; `assertive` interrupts: for failures that need action. */
export type Politeness = "polite" | "assertive";

/** What the two regions say now. */
export type Spoken = Readonly<Record<Politeness, string>>;

export const SILENCE: Spoken = Object.freeze({ polite: "", assertive: "" });

/** Long enough between two texts for a screen reader to notice both. */
const GAP_MS = 250;

/**
 * Speaks one message after the other. A region is emptied before each, so that a message equal to
 * the last one is spoken again.
 */
export class Announcer {
  readonly spoken: Store<Spoken> = new Store<Spoken>({ ...SILENCE });
  #queue: { message: string; politeness: Politeness }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly announce = (message: string, politeness: Politeness = "polite"): void => {
    if (!message) return;
    this.#queue.push({ message, politeness });
    this.#timer ??= setTimeout(() => this.#speak(), GAP_MS);
  };

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
  }

  #speak(): void {
    const { message, politeness } = this.#queue[0] ?? { message: "", politeness: "polite" };
    if (message && this.spoken.getSnapshot()[politeness]) {
      this.spoken.set({ [politeness]: "" });
    } else {
      this.#queue.shift();
      this.spoken.set({ [politeness]: message });
    }
    this.#timer = this.#queue.length > 0 ? setTimeout(() => this.#speak(), GAP_MS) : undefined;
  }
}
