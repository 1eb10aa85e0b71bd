import { BatchedStore, type Readable } from "../store.js";
import type { Json } from "./json.js";
import { roomOf, type SharedClient } from "./room.js";

/** The newest events of one type in a room: one for each key, or one. */
export interface LatestSnapshot<T> {
  /** Oldest first. */
  readonly values: readonly T[];
}

export const NO_VALUES: LatestSnapshot<never> = Object.freeze({ values: [] });

/** Returns the newest events of a type in a room, observable. Subscribing joins the room. */
export function latestOf<T extends Json>(
  client: SharedClient,
  event: string,
  name: string,
): Readable<LatestSnapshot<T>> {
  const room = roomOf(client, name);
  const compute = (): LatestSnapshot<T> => ({ values: room.latest(event) as T[] });
  const store = new BatchedStore<LatestSnapshot<T>>(compute, client.settings.notifyInterval);
  let subscribers = 0;
  return {
    getSnapshot: store.getSnapshot,
    subscribe: (listener) => {
      const stops = [
        room.hold(),
        room.changes.add(() => store.invalidate()),
        room.userChanges.add(() => store.flush()),
        store.subscribe(listener),
      ];
      subscribers++;
      store.flush();
      return () => {
        for (const stop of stops) stop();
        if (--subscribers === 0) store.stop();
      };
    },
  };
}
