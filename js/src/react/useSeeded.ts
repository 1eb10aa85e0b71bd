import { useMemo } from "react";

import type { Readable } from "../index.js";

/** A store beside what was known already: it shows what `merge` makes of the two. */
export function useSeeded<T>(
  store: Readable<T> | null,
  known: T | null,
  merge: (live: T, known: T) => T,
): Readable<T> | null {
  return useMemo(() => {
    if (!store || !known) return store;
    return { subscribe: store.subscribe, getSnapshot: () => merge(store.getSnapshot(), known) };
  }, [store, known, merge]);
}
