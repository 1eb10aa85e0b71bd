import { Store } from "../store.js";

/** `polite` waits for a pause in speech; `assertive` interrupts, for failures that require action. */
export type Politeness = "polite" | "assertive";

/** The texts of the two live regions. */
export type Messages = Readonly<Record<Politeness, string>>;

export const NO_MESSAGES: Messages = Object.freeze({ polite: "", assertive: "" });

/** A screen reader misses texts that change faster. */
const GAP_MS = 250;

/**
 * Announces messages one after the other. A region is emptied before each message, so that a screen
 * reader also reads one that equals the last.
 */
export class Announcer {
  readonly messages: Store<Messages> = new Store<Messages>({ ...NO_MESSAGES });
  #queue: { message: string; politeness: Politeness }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly announce = (message: string, politeness: Politeness = "polite"): void => {
    if (!message) return;
    this.#queue.push({ message, politeness });
    this.#timer ??= setTimeout(() => this.#announceNext(), GAP_MS);
  };

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
  }

  #announceNext(): void {
    const { message, politeness } = this.#queue[0] ?? { message: "", politeness: "polite" };
    if (message && this.messages.getSnapshot()[politeness]) {
      this.messages.set({ [politeness]: "" });
    } else {
      this.#queue.shift();
      this.messages.set({ [politeness]: message });
    }
    this.#timer =
      this.#queue.length > 0 ? setTimeout(() => this.#announceNext(), GAP_MS) : undefined;
  }
}
