import { useMemo, useSyncExternalStore } from "react";

import type { Readable } from "../index.js";

const SILENT = (): (() => void) => () => undefined;

/**
 * Returns what `select` returns of a store's value, and renders again only when that changes.
 *
 * @param store null reads `serverValue` instead.
 * @param serverValue the value on a server and while hydrating.
 */
export function useReadable<T, R>(
  store: Readable<T> | null,
  serverValue: T,
  select: (value: T) => R,
): R {
  const [getSnapshot, getServerSnapshot] = useMemo(() => {
    const memo = memoize(select);
    return [() => memo(store ? store.getSnapshot() : serverValue), () => memo(serverValue)];
  }, [store, serverValue, select]);
  return useSyncExternalStore(store?.subscribe ?? SILENT, getSnapshot, getServerSnapshot);
}

/** Returns the same result while the value, or every member of the result, is unchanged. */
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
