import { useMemo, useSyncExternalStore } from "react";

import type { Readable } from "../index.js";

const SILENT = (): (() => void) => () => undefined;

/**
 * What `select` makes of a store's value; renders again only when that changes. `null` gives the
 * server's value, which is also what is rendered on a server and while hydrating.
 */
export function useReadable<T, R>(
  store: Readable<T> | null,
  atServer: T,
  select: (value: T) => R,
): R {
  const [getSnapshot, getServerSnapshot] = useMemo(() => {
    const memo = memoize(select);
    return [() => memo(store ? store.getSnapshot() : atServer), () => memo(atServer)];
  }, [store, atServer, select]);
  return useSyncExternalStore(store?.subscribe ?? SILENT, getSnapshot, getServerSnapshot);
}

/** Remembers the last result, and keeps it when the next one is equal field by field. */
function memoize<T, R>(select: (value: T) => R): (value: T) => R {
  let last: { value: T; result: R } | null = null;
  return (value) => {
    if (last && Object.is(last.value, value)) return last.result;
    const result = select(value);
    last = { value, result: last && isEqual(last.result, result) ? last.result : result };
    return last.result;
  };
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isRecord(a) || !isRecord(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => key in b && Object.is(a[key], b[key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
