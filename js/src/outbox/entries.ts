import type { Position } from "../contract.js";

/** Why an entry failed. */
export interface OutboxFailure {
  /**
   * The server's code, or one of the outbox: `expired` for an entry that waited too long to be sent,
   * `unconfirmed` for one that may or may not have been published.
   */
  readonly code: string;
  /** One sentence for a person. */
  readonly message: string;
  /** For `conflict`: where the current value is; null if there is none. */
  readonly position: Position | null;
  /** For `conflict`: the current value. */
  readonly value: unknown;
}

/** A publication that waits to be confirmed, or that failed. Times are as `Date.now()` counts. */
export interface OutboxEntry {
  /** The id with which it is published, however often it is sent. */
  readonly id: string;
  /** The event's name. */
  readonly event: string;
  /** The payload. */
  readonly data: unknown;
  /** The room; null if it is not known. */
  readonly room: string | null;
  /** The position that the server compares; undefined if it compares none. */
  readonly expect?: Position | null | undefined;
  /** When it was published, or retried, by the application. */
  readonly createdAt: number;
  /** When it was first sent; null before. */
  readonly sentAt: number | null;
  /** How often it was sent. */
  readonly tries: number;
  /** Why it failed; null while it is pending. */
  readonly failure: OutboxFailure | null;
}

/** An entry before the store has given it a number. */
export interface NewEntry extends OutboxEntry {
  /** The user who published it. No one else may send it. */
  readonly user: string;
  /** The size of the payload. */
  readonly bytes: number;
}

/** An entry in a store. */
export interface StoredEntry extends NewEntry {
  /** Its place in the order. */
  readonly number: number;
}

/** Bounds of a user's entries, failed ones included. */
export interface StoreLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** Keeps the entries of all users. Each method is atomic, also towards other tabs. */
export interface EntryStore {
  /** Returns a user's entries, oldest first. */
  read(user: string): Promise<StoredEntry[]>;
  /** Adds an entry; returns null if the user's entries would exceed the limits. */
  add(entry: NewEntry, limits: StoreLimits): Promise<StoredEntry | null>;
  /** Changes an entry and returns it; returns null if it no longer exists. */
  update(number: number, change: Partial<OutboxEntry>): Promise<StoredEntry | null>;
  /** Deletes entries. */
  delete(numbers: readonly number[]): Promise<void>;
}

/** Returns whether another entry fits beside these. */
export function fits(
  entry: NewEntry,
  others: readonly StoredEntry[],
  { maxEntries, maxBytes }: StoreLimits,
): boolean {
  const bytes = others.reduce((sum, other) => sum + other.bytes, entry.bytes);
  return others.length < maxEntries && bytes <= maxBytes;
}
