/** The parts of a browser that Node lacks: IndexedDB, and Web Locks as far as the outbox uses them. */

import { IDBFactory } from "fake-indexeddb";
import { onTestFinished, vi } from "vitest";

type Grant = () => unknown;

/** Web Locks of one origin: exclusive, in the order of the requests. */
class Locks {
  readonly #queues = new Map<string, Promise<unknown>>();

  request(name: string, { signal }: { signal: AbortSignal }, granted: Grant): Promise<unknown> {
    const before = this.#queues.get(name) ?? Promise.resolve();
    const held = before.then(() => {
      if (signal.aborted) throw new DOMException("aborted", "AbortError");
      return granted();
    });
    this.#queues.set(
      name,
      held.catch(() => undefined),
    );
    return held;
  }
}

export interface BrowserOptions {
  /** Whether the browser has Web Locks. */
  hasLocks?: boolean;
  /** Whether the browser allows databases. */
  hasDatabases?: boolean;
}

/** Gives the test an origin of its own, without stored data. */
export function startBrowser({ hasLocks = true, hasDatabases = true }: BrowserOptions = {}): void {
  vi.stubGlobal("navigator", hasLocks ? { locks: new Locks() } : {});
  vi.stubGlobal("indexedDB", hasDatabases ? new IDBFactory() : undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
}
