import { useMemo } from "react";

import type { Readable } from "../index.js";

/** Returns a store whose value `merge` computes from the live value and an initial one. */
export function useSeeded<T>(
  store: Readable<T> | null,
  initial: T | null,
  merge: (live: T, initial: T) => T,
): Readable<T> | null {
  return useMemo(() => {
    if (!store || !initial) return store;
    return { subscribe: store.subscribe, getSnapshot: () => merge(store.getSnapshot(), initial) };
  }, [store, initial, merge]);
}
