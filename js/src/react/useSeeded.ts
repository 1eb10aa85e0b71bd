import { useMemo } from "react";

import type { Readable } from "../index.js";

/** A store that shows what was known already for as long as it is behind that. */
export function useSeeded<T>(
  store: Readable<T> | null,
  known: T | null,
  isBehind: (live: T, known: T) => boolean,
): Readable<T> | null {
  return useMemo(() => {
    if (!store || !known) return store;
    const getSnapshot = (): T => {
      const live = store.getSnapshot();
      return isBehind(live, known) ? known : live;
    };
    return { subscribe: store.subscribe, getSnapshot };
  }, [store, known, isBehind]);
}
