type Listener<A extends unknown[]> = (...args: A) => void;

/** A set of callbacks. One that throws is reported to the platform and stops no other. */
export class Listeners<A extends unknown[] = []> {
  readonly #all = new Set<{ listener: Listener<A> }>();

  /** Adds a callback; adding the same one twice calls it twice. */
  add(listener: Listener<A>): () => void {
    const entry = { listener };
    this.#all.add(entry);
    return () => void this.#all.delete(entry);
  }

  /** Whether anybody listens. */
  get isHeard(): boolean {
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
