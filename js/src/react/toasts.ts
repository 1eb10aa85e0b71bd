import type { AnnouncementLevel } from "../index.js";
import { type Readable, Store } from "../store.js";

/** A message that is shown for a while. */
export interface Toast {
  /** Identifies the message, for `dismiss`. */
  readonly id: number;
  /** The text. */
  readonly message: string;
  /** How serious the message is. Errors stay until they are dismissed. */
  readonly level: AnnouncementLevel;
}

/** The messages of a queue at one moment. */
export interface ToastsSnapshot {
  /** Oldest first. */
  readonly toasts: readonly Toast[];
}

export const NO_TOASTS: ToastsSnapshot = Object.freeze({ toasts: [] });

/** How many messages are shown; the oldest are removed first. */
const LIMIT = 5;

/** Messages that disappear after a while. Errors stay until they are dismissed. */
export class ToastQueue {
  /** The messages shown; observable. */
  readonly shown: Readable<ToastsSnapshot>;
  readonly #shown = new Store<ToastsSnapshot>({ ...NO_TOASTS });
  readonly #duration: number;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #nextId = 1;
  #isPaused = true;

  /** @param duration how long a message is shown, in milliseconds. */
  constructor(duration: number) {
    this.#duration = duration;
    this.shown = this.#shown;
  }

  /** Shows a message and returns its id. */
  readonly show = (message: string, level: AnnouncementLevel = "info"): number => {
    const toast = { id: this.#nextId++, message, level };
    const toasts = [...this.#toasts, toast];
    for (const { id } of toasts.slice(0, -LIMIT)) this.#cancel(id);
    this.#shown.set({ toasts: toasts.slice(-LIMIT) });
    if (!this.#isPaused) this.#schedule(toast);
    return toast.id;
  };

  /** Removes a message. */
  readonly dismiss = (id: number): void => {
    this.#cancel(id);
    this.#shown.set({ toasts: this.#toasts.filter((toast) => toast.id !== id) });
  };

  /** Stops all timers, while a user reads the messages. */
  readonly pause = (): void => {
    this.#isPaused = true;
    for (const id of [...this.#timers.keys()]) this.#cancel(id);
  };

  /** Restarts the timer of each message. */
  readonly resume = (): void => {
    this.#isPaused = false;
    for (const toast of this.#toasts) this.#schedule(toast);
  };

  get #toasts(): readonly Toast[] {
    return this.#shown.getSnapshot().toasts;
  }

  #schedule({ id, level }: Toast): void {
    this.#cancel(id);
    if (level === "error") return;
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), this.#duration),
    );
  }

  #cancel(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }
}
