import { backoff } from "../backoff.js";
import type { WebSocketClient } from "../client.js";
import { type ClientErrorCode, LongwireError, PublishError } from "../errors.js";
import { newId, type PublishOptions } from "../publisher.js";
import type { ReceivedEvents } from "../registration.js";
import { roomOf } from "../rules.js";
import { type Readable, Store } from "../store.js";
import type { EventMap, Publishable } from "../types.js";
import type {
  EntryStore,
  NewEntry,
  OutboxEntry,
  OutboxFailure,
  StoredEntry,
  StoreLimits,
} from "./entries.js";
import { IndexedDbStore } from "./indexedDbStore.js";
import { TabLock } from "./lock.js";
import { MemoryStore } from "./memoryStore.js";

/** Options of an outbox. */
export interface OutboxOptions {
  /**
   * The signed-in user, for a page that is opened offline. By default the outbox waits until the
   * client has signed in once. It never sends an entry as another user.
   */
  user?: string | undefined;
  /** The name of the database. Default: one for each server address. */
  name?: string | undefined;
  /** The largest number of a user's entries, failed ones included. Default: 1,000. */
  maxEntries?: number | undefined;
  /** The largest total size of their payloads as JSON, in bytes. Default: 5,000,000. */
  maxBytes?: number | undefined;
  /** How long an entry may wait to be sent, in milliseconds. Default: one week. */
  maxAge?: number | undefined;
}

/**
 * Where an outbox keeps its entries.
 *
 * - `indexeddb`: in the browser's database; they outlive the page.
 * - `memory`: in this page, because the browser allows no database, as in some private windows.
 * - `none`: nowhere, because the browser has no Web Locks to choose the tab that sends: `publish`
 *   needs a connection, and nothing is sent again.
 */
export type OutboxStorage = "indexeddb" | "memory" | "none";

/** The state of an outbox at one moment. */
export interface OutboxSnapshot {
  /** Entries that are not confirmed yet, oldest first. */
  readonly pending: readonly OutboxEntry[];
  /** Entries that are no longer sent, oldest first; each has its `failure`. */
  readonly failed: readonly OutboxEntry[];
  /** When the oldest pending entry was published, as `Date.now()` counts; null if there is none. */
  readonly oldest: number | null;
  /** Where entries are kept. */
  readonly storage: OutboxStorage;
}

/** How long a server remembers an id, less the time that a request may be under way. */
const ID_WINDOW_MS = 290_000;
const WEEK_MS = 7 * 24 * 3_600_000;
/** Refusals of a server that may accept the same entry later. */
const TEMPORARY: readonly string[] = ["broker_unavailable", "internal_error"];

/** The part of a client that an outbox uses. */
type OutboxClient = Pick<WebSocketClient, "connection" | "settings" | "isConnected" | "publish">;

/**
 * Publishes events that survive the page: each is stored before it is sent, and deleted when the
 * server has confirmed it.
 *
 * Events of one room are published in order, and each once: an entry keeps its id however often it
 * is sent. After five minutes a server forgets ids. An entry that was sent, and not confirmed within
 * that time, fails as `unconfirmed` instead of being sent again. An entry that the server refuses
 * fails with the server's reason and does not hold up the others.
 *
 * All tabs of an origin share the entries of a user, and one of those that are connected sends them.
 * Signing out deletes the user's entries.
 */
export class Outbox<L extends EventMap<L> = ReceivedEvents> implements Readable<OutboxSnapshot> {
  readonly #client: OutboxClient;
  readonly #name: string;
  readonly #limits: StoreLimits;
  readonly #maxAge: number;
  readonly #view: Store<OutboxSnapshot>;
  readonly #store: Promise<EntryStore>;
  #lock: TabLock | null = null;
  #channel: BroadcastChannel | null = null;
  #user: string | null;
  #signedIn: string | null = null;
  #entries = new Map<number, StoredEntry>();
  /** Counts the changes of `#entries`, to detect those that happen during a reading. */
  #changes = 0;
  #reading: Promise<void> | null = null;
  readonly #busyRooms = new Set<string | null>();

  /** @internal Use `createOutbox`. */
  constructor(client: OutboxClient, options: OutboxOptions) {
    const { url = "" } = client.settings;
    const { name, maxEntries = 1_000, maxBytes = 5_000_000, maxAge = WEEK_MS, user } = options;
    this.#client = client;
    this.#name = name ?? `longwire outbox ${url}`;
    this.#limits = { maxEntries, maxBytes };
    this.#maxAge = maxAge;
    this.#user = user ?? null;
    this.#view = new Store<OutboxSnapshot>({
      pending: [],
      failed: [],
      oldest: null,
      storage: findLocks() ? "indexeddb" : "none",
    });
    this.#store = this.#open();
    client.connection.subscribe(() => this.#handleConnection());
    this.#handleConnection();
    void this.#read();
  }

  /** Returns the entries of the current user; the same frozen object until they change. */
  readonly getSnapshot = (): OutboxSnapshot => this.#view.getSnapshot();

  /** Calls the listener after each change; returns a function that unsubscribes it. */
  readonly subscribe = (listener: () => void): (() => void) => this.#view.subscribe(listener);

  /**
   * Stores an event and publishes it when there is a connection. Resolves with the entry's id as
   * soon as it is stored; from then on, `pending` and `failed` report what becomes of it.
   *
   * Rejects with `outbox_full` if a bound is reached, with `disconnected` if no user signs in within
   * the client's `timeout` (see the option `user`) or if the `storage` is `none` and there is no
   * connection, and with the browser's error if it cannot write.
   */
  readonly publish = async <K extends keyof Publishable<L> & string>(
    event: K,
    data: Publishable<L>[K],
    options: PublishOptions = {},
  ): Promise<string> => {
    const json = JSON.stringify(data);
    const store = await this.#store;
    const user = this.#user ?? (await this.#whenSignedIn());
    if (this.#isOnlineOnly && !this.#client.isConnected()) {
      throw new LongwireError("disconnected", "This browser cannot keep events while offline.");
    }
    const entry = newEntry(event, json, options, user, this.#client);
    const stored = await store.add(entry, this.#limits);
    if (!stored) {
      const { size } = this.#entries;
      throw new LongwireError("outbox_full", `The outbox is full, with ${size} entries.`);
    }
    this.#set(stored);
    this.#send();
    return entry.id;
  };

  /**
   * Publishes a failed entry again, with its old id and the full time to be confirmed. An entry that
   * failed as `unconfirmed` may have been published before.
   */
  readonly retry = async (id: string): Promise<void> => {
    const store = await this.#store;
    const change = { failure: null, sentAt: null, tries: 0, createdAt: Date.now() };
    for (const { number, failure } of this.#find(id)) {
      if (failure) this.#apply(number, await store.update(number, change));
    }
    this.#send();
  };

  /** Deletes an entry. If it is pending, it may have been sent. */
  readonly discard = async (id: string): Promise<void> => {
    await this.#delete(this.#find(id));
  };

  /** Deletes all entries of the current user, as signing out does. */
  readonly purge = async (): Promise<void> => {
    if (this.#user !== null) await this.#purge(this.#user);
  };

  get #isOnlineOnly(): boolean {
    return this.#view.getSnapshot().storage === "none";
  }

  #find(id: string): StoredEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.id === id);
  }

  // Storage

  async #open(): Promise<EntryStore> {
    const locks = findLocks();
    if (!locks) return new MemoryStore();
    try {
      const store = await IndexedDbStore.open(this.#name);
      this.#lock = new TabLock(locks, () => void this.#read());
      this.#channel = new BroadcastChannel(this.#name);
      this.#channel.onmessage = () => void this.#read();
      return store;
    } catch {
      this.#view.set({ storage: "memory" });
      return new MemoryStore();
    } finally {
      queueMicrotask(() => this.#handleConnection());
    }
  }

  /** Reads the entries that this tab and the others have stored. */
  #read(): Promise<void> {
    this.#changes++;
    // If the browser cannot read, the entries that this tab knows remain.
    this.#reading ??= this.#readAll()
      .catch(() => undefined)
      .finally(() => {
        this.#reading = null;
      });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    const store = await this.#store;
    let changes;
    do {
      changes = this.#changes;
      const user = this.#user;
      const entries = user === null ? [] : await store.read(user);
      if (user === this.#user) this.#entries = byNumber(entries);
    } while (changes !== this.#changes);
    this.#show();
    this.#send();
  }

  /** Puts a changed entry in its place, or removes one that another tab has deleted. */
  #apply(number: number, entry: StoredEntry | null): void {
    if (entry) this.#set(entry);
    else this.#forget([number]);
  }

  #set(entry: StoredEntry): void {
    if (entry.user === this.#user) this.#entries.set(entry.number, entry);
    this.#announce();
  }

  #forget(numbers: readonly number[]): void {
    for (const number of numbers) this.#entries.delete(number);
    this.#announce();
  }

  async #delete(entries: readonly StoredEntry[]): Promise<void> {
    const numbers = entries.map(({ number }) => number);
    const store = await this.#store;
    await store.delete(numbers);
    this.#forget(numbers);
  }

  async #purge(user: string): Promise<void> {
    const store = await this.#store;
    await this.#delete(await store.read(user));
  }

  #announce(): void {
    this.#changes++;
    this.#channel?.postMessage(null);
    this.#show();
  }

  #show(): void {
    const all = [...this.#entries.values()].sort((a, b) => a.number - b.number);
    const pending = all.filter(({ failure }) => !failure);
    const failed = all.filter(({ failure }) => failure);
    const oldest = pending.length > 0 ? Math.min(...pending.map((entry) => entry.createdAt)) : null;
    this.#view.set({ pending, failed, oldest });
  }

  // Users

  #handleConnection(): void {
    this.#followUser();
    const { userId } = this.#client.connection.getSnapshot();
    const isSending = userId !== null && userId === this.#user && this.#client.isConnected();
    this.#lock?.want(isSending ? `${this.#name} ${userId}` : null);
    if (!this.#lock) this.#send();
  }

  #followUser(): void {
    const { userId, state } = this.#client.connection.getSnapshot();
    const before = this.#signedIn;
    this.#signedIn = userId;
    if (userId === null && before === null) return;
    if (userId !== this.#user) this.#switchTo(userId);
    // A client that switches to another user goes on connecting; the entries of the first one stay.
    // The browser may refuse to delete: the entries still belong to their user.
    if (before !== null && userId === null && state === "disconnected")
      this.#purge(before).catch(() => undefined);
  }

  #switchTo(user: string | null): void {
    this.#user = user;
    this.#entries = new Map();
    this.#show();
    void this.#read();
  }

  #whenSignedIn(): Promise<string> {
    const { connection, settings } = this.#client;
    return new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        clearTimeout(timer);
        stop();
        action();
      };
      const timer = setTimeout(() => {
        const message = "No user has signed in; see the option `user`.";
        settle(() => reject(new LongwireError("disconnected", message)));
      }, settings.timeout);
      const stop = connection.subscribe(() => {
        const { userId } = connection.getSnapshot();
        if (userId !== null) settle(() => resolve(userId));
      });
    });
  }

  // Sending

  /** Sends the first pending entry of each room that has none under way. */
  #send(): void {
    const { userId } = this.#client.connection.getSnapshot();
    const isSender = this.#lock?.isHeld ?? true;
    if (!isSender || this.#user !== userId || !this.#client.isConnected()) return;
    for (const entry of this.getSnapshot().pending as readonly StoredEntry[]) {
      if (!this.#busyRooms.has(entry.room)) void this.#sendInRoom(entry);
    }
  }

  async #sendInRoom(entry: StoredEntry): Promise<void> {
    this.#busyRooms.add(entry.room);
    try {
      await this.#sendEntry(entry);
    } catch (error) {
      await this.#handleError(entry, error);
    } finally {
      this.#busyRooms.delete(entry.room);
    }
    this.#send();
  }

  async #sendEntry(entry: StoredEntry): Promise<void> {
    const { event, data, id, room, expect, number } = entry;
    const store = await this.#store;
    const now = Date.now();
    const failure = this.#expiry(entry, now);
    if (failure) {
      this.#apply(number, await store.update(number, { failure }));
      return;
    }
    const change = { sentAt: entry.sentAt ?? now, tries: entry.tries + 1 };
    const marked = await store.update(number, change);
    this.#apply(number, marked);
    if (!marked) return;
    // Another user may have signed in while this was stored.
    if (entry.user !== this.#client.connection.getSnapshot().userId) {
      await store.update(number, { sentAt: entry.sentAt });
      return;
    }
    const options = { id, expect, room: room ?? undefined };
    await this.#client.publish(event as "announcement", data as never, options);
    await this.#delete([entry]);
  }

  /** Keeps an entry that the server refused as failed; waits before others are sent again. */
  async #handleError(entry: StoredEntry, error: unknown): Promise<void> {
    const { number, tries } = entry;
    const isRefusal = error instanceof PublishError && !TEMPORARY.includes(error.code);
    if (isRefusal || this.#isOnlineOnly) {
      const failure = failureOf(error);
      const store = await this.#store;
      // If the browser cannot write, the next page sends the entry again, and it is refused again.
      const failed = { ...entry, failure };
      this.#apply(number, await store.update(number, { failure }).catch(() => failed));
    } else if (this.#client.isConnected()) {
      const delay = backoff(tries + 1, this.#client.settings, Math.random());
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }

  /** Returns why an entry must not be sent any more. */
  #expiry({ sentAt, createdAt }: StoredEntry, now: number): OutboxFailure | null {
    if (sentAt === null) {
      return now - createdAt > this.#maxAge ? failureWith("expired", "It waited too long.") : null;
    }
    // If the clock was changed meanwhile, the time since then is unknown.
    const window = ID_WINDOW_MS - this.#client.settings.callTimeout;
    return now < sentAt || now - sentAt > window
      ? failureWith("unconfirmed", "It may or may not have been published.")
      : null;
  }
}

function newEntry(
  event: string,
  json: string,
  { id = newId(), room, expect }: PublishOptions,
  user: string,
  { settings }: OutboxClient,
): NewEntry {
  const data = JSON.parse(json) as unknown;
  return {
    id,
    event,
    data,
    room: roomOf(event, data, room, settings.events),
    ...(expect !== undefined && { expect }),
    createdAt: Date.now(),
    sentAt: null,
    tries: 0,
    failure: null,
    user,
    bytes: new TextEncoder().encode(json).length,
  };
}

function byNumber(entries: readonly StoredEntry[]): Map<number, StoredEntry> {
  return new Map(entries.map((entry) => [entry.number, entry]));
}

function failureWith(code: ClientErrorCode, message: string): OutboxFailure {
  return { code, message, position: null, value: undefined };
}

function failureOf(error: unknown): OutboxFailure {
  if (!(error instanceof LongwireError)) return failureWith("disconnected", String(error));
  const { position = null, value } = error as LongwireError & Partial<OutboxFailure>;
  return { code: error.code, message: error.message, position, value };
}

/** Returns the browser's Web Locks, which pages have only in a secure context. */
function findLocks(): LockManager | undefined {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } };
  return navigator?.locks;
}
