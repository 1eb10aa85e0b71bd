import {
  type EntryStore,
  fits,
  type NewEntry,
  type OutboxEntry,
  type StoredEntry,
  type StoreLimits,
} from "./entries.js";

/** Keeps entries until the page ends. */
export class MemoryStore implements EntryStore {
  readonly #entries = new Map<number, StoredEntry>();
  #last = 0;

  read(user: string): Promise<StoredEntry[]> {
    return Promise.resolve(this.#of(user));
  }

  add(entry: NewEntry, limits: StoreLimits): Promise<StoredEntry | null> {
    if (!fits(entry, this.#of(entry.user), limits)) return Promise.resolve(null);
    const stored = { ...entry, number: ++this.#last };
    this.#entries.set(stored.number, stored);
    return Promise.resolve(stored);
  }

  update(number: number, change: Partial<OutboxEntry>): Promise<StoredEntry | null> {
    const entry = this.#entries.get(number);
    if (!entry) return Promise.resolve(null);
    const changed = { ...entry, ...change };
    this.#entries.set(number, changed);
    return Promise.resolve(changed);
  }

  delete(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) this.#entries.delete(number);
    return Promise.resolve();
  }

  #of(user: string): StoredEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.user === user);
  }
}
