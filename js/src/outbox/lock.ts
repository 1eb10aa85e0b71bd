/**
 * A lock that one tab of the origin holds at a time, until it is released or the tab ends.
 *
 * Safe to switch quickly: a request that is superseded is cancelled.
 */
export class TabLock {
  readonly #locks: LockManager;
  readonly #onHeld: () => void;
  #wanted: string | null = null;
  #end: (() => void) | null = null;
  #isHeld = false;

  /** @param onHeld called each time this tab has got the lock. */
  constructor(locks: LockManager, onHeld: () => void) {
    this.#locks = locks;
    this.#onHeld = onHeld;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Requests the lock of this name; null releases the current one. */
  want(name: string | null): void {
    if (name === this.#wanted) return;
    this.#wanted = name;
    this.#isHeld = false;
    this.#end?.();
    this.#end = null;
    if (name !== null) this.#request(name);
  }

  #request(name: string): void {
    const { signal, abort } = abortable();
    const ended = new Promise<void>((resolve) => {
      this.#end = () => {
        resolve();
        abort();
      };
    });
    const end = this.#end;
    this.#locks
      .request(name, { signal }, () => {
        if (this.#end !== end) return undefined;
        this.#isHeld = true;
        this.#onHeld();
        return ended;
      })
      // Cancelled before it was granted.
      .catch(() => undefined);
  }
}

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
