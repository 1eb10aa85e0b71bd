import { ApiError } from "./ApiError";

/** One page of the API, as far as it is known. */
export interface PageState<T> {
  /** The newest answer, also while a later request fails; null before the first. */
  readonly data: T | null;
  /** When that answer arrived, as `Date.now()` counts. */
  readonly at: number | null;
  /** Why the last request failed; null if it succeeded. */
  readonly error: ApiError | null;
  /** Whether the answer belongs to an earlier address than the one that is asked for now. */
  readonly isOutdated: boolean;
}

export type Load<T> = (path: string, signal: AbortSignal) => Promise<T>;

const PERIOD_MS = 1_000;
const SLOWEST_MS = 15_000;

/**
 * Pulls one page of the API once a second, never more than one request at a time, and only while
 * the page is visible. A failure keeps the last answer and doubles the period.
 */
export class Poller<T> {
  readonly #load: Load<T>;
  readonly #listeners = new Set<() => void>();
  #state: PageState<T> = { data: null, at: null, error: null, isOutdated: false };
  #path: string | null = null;
  #period = PERIOD_MS;

  constructor(load: Load<T>) {
    this.#load = load;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): PageState<T> => this.#state;

  /**
   * Follows an address; returns a function that stops it. While paused, an address is asked for
   * once if it is new.
   */
  follow(path: string, isPaused: boolean): () => void {
    const stop = new AbortController();
    const isNew = path !== this.#path;
    if (isNew && this.#path !== null) this.#change({ isOutdated: true });
    this.#path = path;
    this.#period = PERIOD_MS;
    if (isNew || !isPaused) void this.#run(path, isPaused, stop.signal);
    return () => {
      // An answer that was not awaited counts as never asked for.
      if (this.#state.isOutdated || this.#state.at === null) this.#path = null;
      stop.abort();
    };
  }

  async #run(path: string, once: boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await visible(signal);
      await this.#pull(path, signal);
      if (once && this.#state.error === null) return;
      await delay(this.#period, signal);
    }
  }

  async #pull(path: string, signal: AbortSignal): Promise<void> {
    try {
      signal.throwIfAborted();
      const data = await this.#load(path, signal);
      signal.throwIfAborted();
      this.#period = PERIOD_MS;
      this.#change({ data, at: Date.now(), error: null, isOutdated: false });
    } catch (error) {
      if (signal.aborted) return;
      this.#period = Math.min(2 * this.#period, SLOWEST_MS);
      this.#change({
        error: error instanceof ApiError ? error : new ApiError("broken", String(error)),
      });
    }
  }

  #change(change: Partial<PageState<T>>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** Resolves while the page is visible, or when the signal aborts. */
function visible(signal: AbortSignal): Promise<void> {
  if (document.visibilityState !== "hidden" || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const ended = new AbortController();
    const end = (): void => {
      if (document.visibilityState === "hidden" && !signal.aborted) return;
      ended.abort();
      resolve();
    };
    document.addEventListener("visibilitychange", end, { signal: ended.signal });
    signal.addEventListener("abort", end, { signal: ended.signal });
  });
}

/** Resolves after some time, or when the signal aborts. */
function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}
