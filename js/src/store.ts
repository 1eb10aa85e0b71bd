import { Listeners } from "./listeners.js";

/** A value that changes: the shape that `useSyncExternalStore` and its like consume. */
export interface Readable<T> {
  /** The current value, frozen; the same object until it changes. */
  readonly getSnapshot: () => T;
  /** Calls back after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** A store whose value is replaced at once. */
export class Store<T extends object> implements Readable<T> {
  readonly #listeners = new Listeners();
  #snapshot: Readonly<T>;

  constructor(initial: T) {
    this.#snapshot = Object.freeze(initial);
  }

  readonly getSnapshot = (): Readonly<T> => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => this.#listeners.add(listener);

  /** Puts in what changed; does nothing and tells nobody if nothing did. */
  set(change: Partial<T>): void {
    const keys = Object.keys(change) as (keyof T)[];
    if (keys.every((key) => Object.is(change[key], this.#snapshot[key]))) return;
    this.#snapshot = Object.freeze({ ...this.#snapshot, ...change });
    this.#listeners.emit();
  }
}

/** Runs one task for many requests that come within an interval: a burst costs a few runs. */
export class Batch {
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly task: () => void,
    private readonly interval: number,
  ) {}

  request(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.task();
    }, this.interval);
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
