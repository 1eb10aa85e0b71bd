/**
 * The quality of a connection, best first; the Python client uses the same words.
 *
 * - `excellent`: round trips below 100 ms and jitter below 30 ms.
 * - `good`: below 250 ms and 60 ms.
 * - `fair`: below 500 ms and 120 ms, or the last heartbeat is missing.
 * - `poor`: worse, or the client reconnected in the last 60 seconds.
 * - `lost`: not connected.
 */
export type ConnectionQuality = "excellent" | "good" | "fair" | "poor" | "lost";

/** The measurements on which the quality depends. Times are in milliseconds. */
export interface Measurements {
  readonly isConnected: boolean;
  /** The newest round trip; null before the first. */
  readonly roundTripMs: number | null;
  /** See {@link jitterOf}. */
  readonly jitterMs: number | null;
  /** Heartbeats in a row that were not answered. */
  readonly missed: number;
  /** How long ago the client reconnected; null if it never did. */
  readonly reconnectedMs: number | null;
}

/** How long a connection must be better before a better quality is shown. */
export const SETTLE_MS = 10_000;
const UNSTABLE_MS = 60_000;
const JITTER_SAMPLES = 10;

const CLASSES: readonly ConnectionQuality[] = ["excellent", "good", "fair", "poor", "lost"];
/** Upper bounds of the round trip and the jitter. */
const BOUNDS = [
  ["excellent", 100, 30],
  ["good", 250, 60],
  ["fair", 500, 120],
] as const;

/** Returns the mean difference between successive round trips, of the newest ten. */
export function jitterOf(roundTrips: readonly number[]): number | null {
  const newest = roundTrips.slice(-JITTER_SAMPLES - 1);
  if (newest.length < 2) return null;
  const differences = newest.slice(1).map((value, i) => Math.abs(value - (newest[i] as number)));
  return differences.reduce((sum, value) => sum + value) / differences.length;
}

/** Returns the quality at one moment. Before the first round trip it is at best `good`. */
export function classify(measured: Measurements): ConnectionQuality {
  const { isConnected, roundTripMs, jitterMs, missed, reconnectedMs } = measured;
  if (!isConnected) return "lost";
  if (missed > 1 || (reconnectedMs !== null && reconnectedMs < UNSTABLE_MS)) return "poor";
  const fits = BOUNDS.find(
    ([, longest, largest]) => (roundTripMs ?? 100) < longest && (jitterMs ?? 0) < largest,
  );
  if (!fits) return "poor";
  return missed ? worse(fits[0], "fair") : fits[0];
}

function rank(quality: ConnectionQuality): number {
  return CLASSES.indexOf(quality);
}

function worse(one: ConnectionQuality, other: ConnectionQuality): ConnectionQuality {
  return rank(one) < rank(other) ? other : one;
}

/**
 * Shows a worse quality at once, and a better one after it has lasted for ten seconds. Only the end
 * of `lost` is shown at once: that a client is connected again is a fact.
 */
export class QualityMeter {
  #shown: ConnectionQuality = "lost";
  #better: ConnectionQuality | null = null;
  #since = 0;

  /** Whether a better quality is about to be shown. */
  get isSettling(): boolean {
    return this.#better !== null;
  }

  /**
   * Returns the quality to show.
   *
   * @param now the time in milliseconds, of any clock that never goes back.
   */
  update(current: ConnectionQuality, now: number): ConnectionQuality {
    if (this.#shown === "lost" || rank(current) >= rank(this.#shown)) {
      this.#shown = current;
      this.#better = null;
    } else if (this.#better === null) {
      this.#better = current;
      this.#since = now;
    } else {
      // The worst of this time, so that one good moment does not count.
      this.#better = worse(this.#better, current);
      if (now - this.#since >= SETTLE_MS) {
        this.#shown = this.#better;
        this.#since = now;
        this.#better = rank(current) < rank(this.#shown) ? current : null;
      }
    }
    return this.#shown;
  }
}
