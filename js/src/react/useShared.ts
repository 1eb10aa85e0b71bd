import { useMemo } from "react";

import type { Payload } from "../index.js";
import {
  type ChangeOf,
  type KeyOf,
  type SharedEvent,
  type SharedSnapshot,
  type SharedValue,
  sharedValue,
} from "../shared.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

/** A shared value, with functions that change it. */
export interface SharedView<T, C>
  extends SharedSnapshot<T>,
    Pick<SharedValue<T, C>, "update" | "dismiss"> {}

const whole = <T>(value: T): T => value;

/**
 * Returns a value that several clients change: the newest event of a type and key in a room, with the
 * updates of this client. Joins the room while mounted.
 *
 * `update` shows a change at once and publishes it. If another writer was first, a change that is a
 * function is computed again from the new value; any other one is taken back and `conflict` has both
 * sides. For an event declared with `Merge` the change is a patch, and the last one wins for each
 * member.
 *
 * @param key the fields that identify the value; `{}` for an event with one value for each room.
 * @throws Error if the event is not declared with `Latest` or `Merge`.
 */
export function useShared<K extends SharedEvent>(
  event: K,
  room: string,
  key: KeyOf<K>,
): SharedView<Payload<K>, ChangeOf<K>> {
  const client = useClient();
  const identity = JSON.stringify(key);
  const shared = useMemo(
    () => sharedValue(client, event, room, JSON.parse(identity) as KeyOf<K>),
    [client, event, room, identity],
  );
  const snapshot = useReadable<SharedSnapshot<Payload<K>>, SharedSnapshot<Payload<K>>>(
    shared,
    EMPTY,
    whole,
  );
  return useMemo(() => {
    const { update, dismiss } = shared;
    return { ...snapshot, update, dismiss };
  }, [snapshot, shared]);
}

const EMPTY: SharedSnapshot<never> = Object.freeze({
  value: null,
  position: null,
  pending: false,
  conflict: null,
  error: null,
  isLoaded: false,
});
