import { backoff } from "../backoff.js";
import type { Position } from "../contract.js";
import { LongwireError, PublishError } from "../errors.js";
import { newId } from "../publisher.js";
import { type Readable, Store } from "../store.js";
import { isEqual, isObject, type Json, mergePatch } from "./json.js";
import type { Entry, SharedClient, SharedRoom } from "./room.js";

/** An update that another writer's change has overtaken. */
export interface SharedConflict<T> {
  /** The value with the updates of this client. */
  readonly mine: T;
  /** The current value; null if there is none. */
  readonly theirs: T | null;
  /** The value that the update started from; null if there was none. */
  readonly base: T | null;
}

/** A shared value at one moment. */
export interface SharedSnapshot<T> {
  /** The newest value with the updates of this client that are not confirmed; null if there is none. */
  readonly value: T | null;
  /** The position of the newest confirmed value; null if there is none. */
  readonly position: Position | null;
  /** Whether updates wait to be confirmed. */
  readonly pending: boolean;
  /** The update that was not published because another writer was first. */
  readonly conflict: SharedConflict<T> | null;
  /** Why the last update was refused, or why the room is denied. */
  readonly error: LongwireError | null;
  /** Whether the room's log has been read, so that null means that there is no value. */
  readonly isLoaded: boolean;
}

/** The outcome of an update: its position in the log, or why it was not published. */
export type UpdateResult =
  | { readonly ok: true; readonly position: Position }
  | { readonly ok: false; readonly error: LongwireError };

/** A change, or a function that computes it from the current value. */
export type Change<T, C> = C | ((current: T | null) => C);

/** Identifies a shared value, and how changes of it are published. */
export interface Slot {
  readonly event: string;
  readonly room: string;
  /** The fields that identify the value in its room. */
  readonly key: Json;
  readonly slot: string;
  /** Whether a change is a JSON Merge Patch; otherwise it is the whole value. */
  readonly isMerge: boolean;
}

/** The request of an update: the same until its outcome is known. */
interface Attempt {
  readonly id: string;
  readonly payload: Json;
  /** Undefined publishes in any case. */
  readonly expect: Position | null | undefined;
  readonly base: Entry | null;
  readonly firstSentAt: number;
}

interface Update {
  change: Change<Json, Json>;
  /** The value that the change started from; undefined if that is the result of the update before. */
  base: Entry | null | undefined;
  readonly createdAt: number;
  readonly waiters: ((result: UpdateResult) => void)[];
  attempt: Attempt | null;
  /** Answers that were missing or said to wait, and conflicts. */
  failures: number;
  /** Conflicts after which the change was computed again. */
  rebases: number;
  /** Where it was published, until the log's entry arrives. */
  publishedAt: Position | null;
}

/** How often a computed change is computed again because another writer was first. */
const MAX_REBASES = 5;
/** Updates that may wait; offline, plain values that follow each other count once. */
const MAX_UPDATES = 1_000;
/** How long a server remembers an id, less the time that a request may be under way. */
const ID_WINDOW_MS = 290_000;
const TEMPORARY: readonly string[] = ["broker_unavailable", "internal_error"];

/**
 * A value that several clients change: the newest event of a type and key in a room.
 *
 * Updates are shown at once and published one after the other, each if the value is still the one
 * that it started from. If another writer was first, a computed change is computed again from the new
 * value, and a plain one is taken back and reported as `conflict`. Patches of events declared with
 * `Merge` are published in any case, and the last one wins for each member.
 */
export class SharedValue<T = Json, C = Json> implements Readable<SharedSnapshot<T>> {
  readonly #client: SharedClient;
  readonly #room: SharedRoom;
  readonly #slot: Slot;
  readonly #view: Store<SharedSnapshot<Json>>;
  #updates: Update[] = [];
  #isSending = false;
  #conflict: SharedConflict<Json> | null = null;
  #error: LongwireError | null = null;
  /** Holds the room while there are updates, also without subscribers. */
  #release: (() => void) | null = null;

  /** @internal Use `sharedValue`. */
  constructor(client: SharedClient, room: SharedRoom, slot: Slot) {
    this.#client = client;
    this.#room = room;
    this.#slot = slot;
    this.#view = new Store<SharedSnapshot<Json>>({
      value: null,
      position: null,
      pending: false,
      conflict: null,
      error: null,
      isLoaded: false,
    });
    room.changes.add((changed) => {
      if (changed === null || changed === slot.slot) this.#handleChange();
    });
    room.userChanges.add(() => this.#handleUserChange());
  }

  /** Returns the value; the same frozen object until it changes. */
  readonly getSnapshot = (): SharedSnapshot<T> =>
    this.#view.getSnapshot() as unknown as SharedSnapshot<T>;

  /** Joins the room and calls the listener after each change; returns a function that stops both. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const release = this.#room.hold();
    const remove = this.#view.subscribe(listener);
    this.#show();
    return () => {
      remove();
      release();
    };
  };

  /**
   * Changes the value: shown at once, and published as soon as possible, also after a reconnect.
   * Never rejects: the result, `conflict` and `error` report what became of it. Clears both.
   *
   * A function computes the change from the current value, and may be called again.
   */
  readonly update = (change: Change<T, C>): Promise<UpdateResult> => {
    this.#conflict = this.#error = null;
    return new Promise((resolve) => this.#enqueue(change as Change<Json, Json>, resolve));
  };

  /** Clears `conflict` and `error`. The current value stays. */
  readonly dismiss = (): void => {
    this.#conflict = this.#error = null;
    this.#show();
  };

  // Updates

  #enqueue(change: Change<Json, Json>, resolve: (result: UpdateResult) => void): void {
    const copy = typeof change === "function" ? change : this.#withoutTimestamp(change);
    const last = this.#updates.at(-1);
    if (last && this.#replaces(last, copy)) {
      last.change = copy;
      last.waiters.push(resolve);
    } else if (this.#updates.length >= MAX_UPDATES) {
      const message = `${MAX_UPDATES} updates wait to be published.`;
      resolve({ ok: false, error: new LongwireError("outbox_full", message) });
    } else {
      const isNext = this.#updates.every(({ publishedAt }) => publishedAt);
      this.#updates.push({
        change: copy,
        base: isNext ? this.#current() : undefined,
        createdAt: Date.now(),
        waiters: [resolve],
        attempt: null,
        failures: 0,
        rebases: 0,
        publishedAt: null,
      });
    }
    this.#release ??= this.#room.hold();
    this.#handleChange();
  }

  /** Whether a plain value may replace another one that was not sent yet. */
  #replaces(last: Update, change: Change<Json, Json>): boolean {
    const isPlain = typeof last.change !== "function" && typeof change !== "function";
    return isPlain && !this.#slot.isMerge && !last.attempt && !last.publishedAt;
  }

  /** Leaves out the time of the value that a changed copy was made from. */
  #withoutTimestamp(change: Json): Json {
    const copy = JSON.parse(JSON.stringify(change)) as Record<string, unknown>;
    if (copy.timestamp === this.#view.getSnapshot().value?.timestamp) delete copy.timestamp;
    return copy;
  }

  /** Returns the newest confirmed value: that of the log, or of an update that it does not show yet. */
  #current(): Entry | null {
    const entry = this.#room.entry(this.#slot.slot);
    return this.#updates.reduce<Entry | null>((current, update) => {
      const { publishedAt: position } = update;
      return position ? { value: this.#apply(current?.value ?? null, update), position } : current;
    }, entry);
  }

  /** Returns a value after an update; the same one if the change cannot be computed yet. */
  #apply(value: Json | null, update: Update): Json {
    const { isMerge, key } = this.#slot;
    const change = update.attempt?.payload ?? this.#compute(value, update.change);
    if (isMerge) return mergePatch(value ?? {}, { ...change, ...key }) as Json;
    const hasTime = value === null || "timestamp" in value;
    return { ...(hasTime && { timestamp: update.createdAt }), ...change, ...key };
  }

  #compute(value: Json | null, change: Change<Json, Json>): Json {
    return typeof change === "function" ? change(value) : change;
  }

  // Publishing

  #handleChange(): void {
    this.#dropShown();
    this.#releaseIfDone();
    this.#rejectIfDenied();
    this.#show();
    this.#send();
  }

  /** Drops updates that the log's entry contains. */
  #dropShown(): void {
    const position = this.#room.entry(this.#slot.slot)?.position;
    if (!position || !this.#room.isLoaded) return;
    this.#updates = this.#updates.filter(({ publishedAt: own }) => {
      if (!own) return true;
      return own.epoch === position.epoch && own.offset > position.offset;
    });
  }

  #rejectIfDenied(): void {
    const { status, error } = this.#client.room(this.#slot.room).getSnapshot();
    if (status === "denied" && error) this.#rejectAll(error);
  }

  #send(): void {
    const update = this.#updates.find(({ publishedAt }) => !publishedAt);
    if (!update || this.#isSending || !this.#room.isLive) return;
    this.#isSending = true;
    void this.#publish(update).finally(() => {
      this.#isSending = false;
      this.#handleChange();
    });
  }

  async #publish(update: Update): Promise<void> {
    try {
      const attempt = (update.attempt ??= this.#attempt(update));
      const { id, expect, payload } = attempt;
      if (expect === undefined && this.#isUncertain(attempt)) {
        throw new LongwireError("unconfirmed", "It may or may not have been published.");
      }
      const options = { room: this.#slot.room, id, expect };
      const { event } = this.#slot;
      const position = await this.#client.publish(
        event as "announcement",
        payload as never,
        options,
      );
      this.#confirm(update, position);
    } catch (error) {
      await this.#handleError(update, error);
    }
  }

  /** Decides what is sent for an update. */
  #attempt({ change, base }: Update): Attempt {
    const { isMerge, key } = this.#slot;
    const current = this.#current();
    const isComputed = typeof change === "function";
    const start = isComputed || base === undefined ? current : base;
    const payload = { ...this.#compute(current?.value ?? null, change), ...key };
    const expect = isMerge && !isComputed ? undefined : (start?.position ?? null);
    return { id: newId(), payload, expect, base: start, firstSentAt: Date.now() };
  }

  /** Whether the server may have forgotten the id, so that the attempt might be published twice. */
  #isUncertain({ firstSentAt }: Attempt): boolean {
    const age = Date.now() - firstSentAt;
    return age < 0 || age > ID_WINDOW_MS - this.#client.settings.callTimeout;
  }

  #confirm(update: Update, position: Position): void {
    update.publishedAt = position;
    this.#followUp(update);
    this.#settle([update], { ok: true, position });
  }

  /** Reports what became of updates, after the value shows it. */
  #settle(updates: readonly Update[], result: UpdateResult): void {
    this.#dropShown();
    this.#releaseIfDone();
    this.#show();
    for (const { waiters } of updates) for (const resolve of waiters) resolve(result);
  }

  /** Gives the update that started from this one what it started from. */
  #followUp(update: Update): void {
    const next = this.#updates[this.#updates.indexOf(update) + 1];
    if (!next || next.base !== undefined) return;
    const base = update.attempt?.base ?? null;
    const { publishedAt: position } = update;
    next.base = position ? { value: this.#apply(base?.value ?? null, update), position } : base;
  }

  async #handleError(update: Update, error: unknown): Promise<void> {
    if (!this.#updates.includes(update)) return;
    const { code } = error as { code?: string };
    if (error instanceof PublishError && code === "conflict")
      await this.#handleConflict(update, error);
    else if (code === "unconfirmed") this.#reportConflict(update, error as LongwireError);
    else if (error instanceof PublishError && TEMPORARY.includes(error.code))
      await this.#wait(update);
    else if (error instanceof PublishError || !(error instanceof LongwireError))
      this.#reject(update, asLongwireError(error));
    // Otherwise the connection failed: the same attempt is made again.
    else if (this.#client.isConnected()) await this.#wait(update);
  }

  async #handleConflict(update: Update, error: PublishError): Promise<void> {
    const { position, value } = error;
    if (position && isObject(value)) {
      this.#room.learn(this.#slot.slot, { value, position });
      if (this.#isPublished(update, value)) {
        this.#confirm(update, position);
        return;
      }
    }
    const { attempt } = update;
    const isKnown = attempt !== null && !this.#isUncertain(attempt);
    const isComputed = typeof update.change === "function";
    if (!isComputed || !isKnown || update.rebases++ >= MAX_REBASES) {
      this.#reportConflict(update, error);
      return;
    }
    update.attempt = null;
    this.#show();
    await this.#wait(update);
  }

  /** Whether an earlier sending was published, or another writer has set the same value. */
  #isPublished({ change, attempt }: Update, value: Json): boolean {
    // The same result of a function is another matter: two writers who add 1 have added 2.
    const isPlain = typeof change !== "function" && !this.#slot.isMerge;
    return isPlain && attempt !== null && isSame(value, attempt.payload);
  }

  async #wait(update: Update): Promise<void> {
    const delay = backoff(++update.failures, this.#client.settings, Math.random());
    await new Promise((resolve) => setTimeout(resolve, delay));
  }

  /** Takes back an update and all that follow from it, and keeps what they would have made. */
  #reportConflict(update: Update, error: LongwireError): void {
    const base = update.attempt?.base?.value ?? null;
    const first = this.#updates.indexOf(update);
    const lost = this.#updates.slice(first);
    const mine = lost.reduce<Json | null>((value, each) => this.#preview(value, each), base) ?? {};
    this.#updates = this.#updates.slice(0, first);
    this.#conflict = { mine, theirs: this.#current()?.value ?? null, base };
    this.#error = error;
    this.#settle(lost, { ok: false, error });
  }

  /** Takes back one update. */
  #reject(update: Update, error: LongwireError): void {
    this.#followUp(update);
    this.#updates = this.#updates.filter((other) => other !== update);
    this.#error = error;
    this.#settle([update], { ok: false, error });
  }

  #rejectAll(error: LongwireError): void {
    for (const update of [...this.#updates]) this.#reject(update, error);
  }

  #handleUserChange(): void {
    this.#rejectAll(new LongwireError("another_user", "The user has changed."));
    this.#conflict = this.#error = null;
    this.#show();
  }

  #releaseIfDone(): void {
    if (this.#updates.length > 0) return;
    this.#release?.();
    this.#release = null;
  }

  // The view

  #show(): void {
    const current = this.#current();
    const waiting = this.#updates.filter(({ publishedAt }) => !publishedAt);
    let value = current?.value ?? null;
    for (const update of waiting) value = this.#preview(value, update);
    this.#view.set({
      value,
      position: current?.position ?? null,
      pending: waiting.length > 0,
      conflict: this.#conflict,
      error: this.#error ?? this.#client.room(this.#slot.room).getSnapshot().error,
      isLoaded: this.#room.isLoaded,
    });
  }

  #preview(value: Json | null, update: Update): Json | null {
    // A function has to wait for the value that it computes with.
    if (typeof update.change === "function" && !this.#room.isLoaded) return value;
    try {
      return this.#apply(value, update);
    } catch {
      return value; // the same error rejects the update
    }
  }
}

/** Whether two values are equal but for the time, which the server sets. */
function isSame(a: Json, b: Json): boolean {
  return isEqual({ ...a, timestamp: null }, { ...b, timestamp: null });
}

function asLongwireError(error: unknown): LongwireError {
  if (error instanceof LongwireError) return error;
  return new LongwireError("invalid_event", String(error), { cause: error });
}
