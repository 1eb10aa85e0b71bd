interface Timed {
  readonly timestamp: number;
}

/** Options of the hooks that return the newest event. */
export interface InitialData<T> {
  /** What a server fetched: returned there, while hydrating, and until a live event is as new. */
  initialData?: T | null | undefined;
}

/** Returns the live event, or the fetched one while that is newer. */
export function newest<T extends Timed>(
  live: T | null | undefined,
  initial: T | null | undefined,
): T | null {
  if (!live || !initial) return live ?? initial ?? null;
  return live.timestamp >= initial.timestamp ? live : initial;
}
