import type { AnnouncementLevel } from "../index.js";
import { Store } from "../store.js";

/** A message that is shown for a while. */
export interface Toast {
  readonly id: number;
  readonly message: string;
  readonly level: AnnouncementLevel;
}

/** What is shown, oldest first. */
export interface ToastsSnapshot {
  readonly toasts: readonly Toast[];
}

export const NO_TOASTS: ToastsSnapshot = Object.freeze({ toasts: [] });

/** Beyond it the oldest give way. */
const LIMIT = 5;

/** Messages, each for a while that can be paused; an error stays until it is dismissed. */
export class ToastQueue {
  readonly shown: Store<ToastsSnapshot> = new Store<ToastsSnapshot>({ ...NO_TOASTS });
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #nextId = 1;
  #isPaused = true;

  constructor(private readonly duration: number) {}

  readonly show = (message: string, level: AnnouncementLevel = "info"): number => {
    const toast = { id: this.#nextId++, message, level };
    const toasts = [...this.#toasts, toast];
    for (const { id } of toasts.slice(0, -LIMIT)) this.#cancel(id);
    this.shown.set({ toasts: toasts.slice(-LIMIT) });
    if (!this.#isPaused) this.#schedule(toast);
    return toast.id;
  };

  readonly dismiss = (id: number): void => {
    this.#cancel(id);
    this.shown.set({ toasts: this.#toasts.filter((toast) => toast.id !== id) });
  };

  /** Nothing goes until `resume`. */
  readonly pause = (): void => {
    this.#isPaused = true;
    for (const id of [...this.#timers.keys()]) this.#cancel(id);
  };

  /** Gives everything that is shown its whole time again. */
  readonly resume = (): void => {
    this.#isPaused = false;
    for (const toast of this.#toasts) this.#schedule(toast);
  };

  get #toasts(): readonly Toast[] {
    return this.shown.getSnapshot().toasts;
  }

  #schedule({ id, level }: Toast): void {
    this.#cancel(id);
    if (level === "error") return;
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), this.duration),
    );
  }

  #cancel(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }
}
