import { Listeners } from "./listeners.js";

/** A value that changes: the shape that `useSyncExternalStore` and its like consume. */
export interface Readable<T> {
  /** The current value, frozen; the same object until it changes. */
  readonly getSnapshot: () => T;
  /** Calls back after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** A value that is replaced at once, and those who listen for it. */
export class Store<T extends object> extends Listeners implements Readable<T> {
  #snapshot: Readonly<T>;

  constructor(initial: T) {
    super();
    this.#snapshot = Object.freeze(initial);
  }

  readonly getSnapshot = (): Readonly<T> => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => this.add(listener);

  /** Puts in what changed; does nothing and tells nobody if nothing did. */
  set(change: Partial<T>): void {
    const keys = Object.keys(change) as (keyof T)[];
    if (keys.every((key) => change[key] === this.#snapshot[key])) return;
    this.#snapshot = Object.freeze({ ...this.#snapshot, ...change });
    this.emit();
  }
}

/**
 * A store that is computed anew some time after something it depends on changed: many changes
 * within the interval cost its observers one call.
 */
export class BatchedStore<T extends object> extends Store<T> {
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly #compute: () => T;
  readonly #interval: number;

  constructor(compute: () => T, interval: number) {
    super(compute());
    this.#compute = compute;
    this.#interval = interval;
  }

  invalidate(): void {
    this.#timer ??= setTimeout(() => this.flush(), this.#interval);
  }

  /** Computes at once. */
  flush(): void {
    this.stop();
    this.set(this.#compute());
  }

  /** Forgets what is not computed yet. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
