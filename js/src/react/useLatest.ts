import { useMemo } from "react";

import type { KeyField, Payload, ReceivedName } from "../index.js";
import { type LatestSnapshot, latestOf, NO_VALUES } from "../shared/latest.js";
import { newest } from "./newest.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

/** Options of `useLatest`. */
export interface UseLatestOptions<K extends ReceivedName> {
  /** The fields that identify the value, for an event declared with `Latest(key)` or `Merge(key)`. */
  key?: Pick<Payload<K>, KeyField<K>> | undefined;
  /** The event as a server fetched it: returned until one that is as new has been received. */
  initialData?: Payload<K> | null | undefined;
}

/** Options of `useLatestByKey`. */
export interface UseLatestByKeyOptions<K extends ReceivedName> {
  /** The events as a server fetched them: returned until one of the key is received that is as new. */
  initialData?: readonly Payload<K>[] | null | undefined;
}

type Timed = Readonly<Record<string, unknown>> & { readonly timestamp: number };

/**
 * Returns the newest event of a type in a room, also if it was published before the component
 * mounted; null before the first one. Joins the room while mounted; a null room reads nothing.
 */
export function useLatest<K extends ReceivedName>(
  event: K,
  room: string | null,
  options: UseLatestOptions<K> = {},
): Payload<K> | null {
  const { key, initialData } = options;
  const fields = JSON.stringify(key ?? {});
  const initial = initialData as Timed | null | undefined;
  const select = useMemo(() => {
    const wanted = Object.entries(JSON.parse(fields) as object);
    return ({ values }: LatestSnapshot<Timed>): Timed | null => {
      const found = values.filter((value) => wanted.every(([name, is]) => value[name] === is));
      return newest(found.at(-1), initial);
    };
  }, [fields, initial]);
  return useEntries(event, room, select) as Payload<K> | null;
}

/**
 * Returns the newest event of each key in a room, for an event declared with `Latest(key)` or
 * `Merge(key)`, in the order of their last change. Joins the room while mounted; a null room reads
 * nothing.
 *
 * For an own contract, pass its generated `EVENTS` to the client as the option `events`.
 */
export function useLatestByKey<K extends ReceivedName>(
  event: K,
  room: string | null,
  key: KeyField<K>,
  options: UseLatestByKeyOptions<K> = {},
): readonly Payload<K>[] {
  const initial = options.initialData as readonly Timed[] | null | undefined;
  const name = key as string;
  const select = useMemo(
    () =>
      ({ values }: LatestSnapshot<Timed>): readonly Timed[] => {
        if (!initial) return values;
        const all = new Map(initial.map((value) => [value[name], value]));
        for (const value of values)
          all.set(value[name], newest(value, all.get(value[name])) ?? value);
        return [...all.values()];
      },
    [initial, name],
  );
  return useEntries(event, room, select) as readonly Payload<K>[];
}

function useEntries<R>(
  event: string,
  room: string | null,
  select: (latest: LatestSnapshot<Timed>) => R,
): R {
  const client = useClient();
  const store = useMemo(
    () => (room === null ? null : latestOf<Timed>(client, event, room)),
    [client, event, room],
  );
  return useReadable(store, NO_VALUES, select);
}
