import {
  type EntryStore,
  fits,
  type NewEntry,
  type OutboxEntry,
  type StoredEntry,
  type StoreLimits,
} from "./entries.js";

const ENTRIES = "entries";
const BY_USER = "user";

/** Keeps entries in a database of the page's origin, which all its tabs share. */
export class IndexedDbStore implements EntryStore {
  readonly #database: IDBDatabase;

  /** @param database an open database; see `open`. */
  constructor(database: IDBDatabase) {
    this.#database = database;
    // Another version of the page may need the database to itself.
    database.onversionchange = () => database.close();
  }

  /** Opens the database, or rejects if the browser does not allow it. */
  static async open(name: string): Promise<IndexedDbStore> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const entries = request.result.createObjectStore(ENTRIES, {
        keyPath: "number",
        autoIncrement: true,
      });
      entries.createIndex(BY_USER, "user");
    };
    return new IndexedDbStore(await resultOf(request));
  }

  read(user: string): Promise<StoredEntry[]> {
    return this.#run("readonly", (entries) => resultOf(allOf(entries, user)));
  }

  add(entry: NewEntry, limits: StoreLimits): Promise<StoredEntry | null> {
    return this.#run("readwrite", async (entries) => {
      if (!fits(entry, await resultOf(allOf(entries, entry.user)), limits)) return null;
      const number = await resultOf(entries.add(entry) as IDBRequest<number>);
      return { ...entry, number };
    });
  }

  update(number: number, change: Partial<OutboxEntry>): Promise<StoredEntry | null> {
    return this.#run("readwrite", async (entries) => {
      const entry = await resultOf(entries.get(number) as IDBRequest<StoredEntry | undefined>);
      if (!entry) return null;
      const changed = { ...entry, ...change };
      entries.put(changed);
      return changed;
    });
  }

  delete(numbers: readonly number[]): Promise<void> {
    return this.#run("readwrite", (entries) => {
      for (const number of numbers) entries.delete(number);
      return Promise.resolve();
    });
  }

  /** Runs requests in one transaction; resolves when their changes are on the disk. */
  async #run<T>(
    mode: IDBTransactionMode,
    action: (entries: IDBObjectStore) => Promise<T>,
  ): Promise<T> {
    const transaction = this.#database.transaction(ENTRIES, mode, { durability: "strict" });
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    });
    const result = await Promise.all([action(transaction.objectStore(ENTRIES)), done]);
    return result[0];
  }
}

/** Requests a user's entries; they come in the order of their numbers. */
function allOf(entries: IDBObjectStore, user: string): IDBRequest<StoredEntry[]> {
  return entries.index(BY_USER).getAll(user) as IDBRequest<StoredEntry[]>;
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the request failed"));
  });
}
