type Listener<A extends unknown[]> = (...args: A) => void;

/** A set of callbacks. An exception in one is reported globally and does not stop the others. */
export class Listeners<A extends unknown[] = []> {
  readonly #all = new Set<{ listener: Listener<A> }>();

  /** Adds a callback and returns a function that removes it. A callback added twice runs twice. */
  add(listener: Listener<A>): () => void {
    const entry = { listener };
    this.#all.add(entry);
    return () => void this.#all.delete(entry);
  }

  get hasListeners(): boolean {
    return this.#all.size > 0;
  }

  emit(...args: A): void {
    for (const { listener } of [...this.#all]) {
      try {
        listener(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
