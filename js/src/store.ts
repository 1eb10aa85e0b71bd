import { Listeners } from "./listeners.js";

/** An observable value: the shape that `useSyncExternalStore` and similar APIs consume. */
export interface Readable<T> {
  /** Returns the current value: frozen, and the same object until it changes. */
  readonly getSnapshot: () => T;
  /** Calls the listener after each change; returns a function that unsubscribes it. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** An observable value that changes immediately. */
export class Store<T extends object> extends Listeners implements Readable<T> {
  #snapshot: Readonly<T>;

  constructor(initial: T) {
    super();
    this.#snapshot = Object.freeze(initial);
  }

  readonly getSnapshot = (): Readonly<T> => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => this.add(listener);

  /** Merges a change into the value and notifies the listeners, if any member differs. */
  set(change: Partial<T>): void {
    const keys = Object.keys(change) as (keyof T)[];
    if (keys.every((key) => change[key] === this.#snapshot[key])) return;
    this.#snapshot = Object.freeze({ ...this.#snapshot, ...change });
    this.emit();
  }
}

/**
 * A store that computes its value some time after `invalidate`. Any number of invalidations within
 * the interval cause one notification.
 */
export class BatchedStore<T extends object> extends Store<T> {
  readonly #compute: () => T;
  readonly #interval: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param interval the delay from an invalidation to the notification, in milliseconds. */
  constructor(compute: () => T, interval: number) {
    super(compute());
    this.#compute = compute;
    this.#interval = interval;
  }

  /** Schedules a computation. */
  invalidate(): void {
    this.#timer ??= setTimeout(() => this.flush(), this.#interval);
  }

  /** Computes the value now. */
  flush(): void {
    this.stop();
    this.set(this.#compute());
  }

  /** Cancels a scheduled computation. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
