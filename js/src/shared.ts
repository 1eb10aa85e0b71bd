/**
 * Values that several clients change at the same time.
 *
 * @module longwire/shared
 */

import type { Payload } from "./registration.js";
import { ruleOf } from "./rules.js";
import type { Json } from "./shared/json.js";
import { roomOf, type SharedClient, slotOf } from "./shared/room.js";
import type { ChangeOf, KeyOf, SharedEvent } from "./shared/types.js";
import { SharedValue } from "./shared/value.js";

export type { SharedClient } from "./shared/room.js";
export type { ChangeOf, KeyOf, Patch, SharedEvent } from "./shared/types.js";
export type { Change, SharedConflict, SharedSnapshot, UpdateResult } from "./shared/value.js";
export { SharedValue };

/**
 * Returns a shared value: the newest event of a type and key in a room, with the updates of this
 * client. All callers share it. The room is joined while there are subscribers or updates.
 *
 * ```ts
 * const asset = sharedValue(client, "asset:status", "global", { assetId: "7" });
 * asset.subscribe(() => show(asset.getSnapshot().value?.status));
 * ```
 *
 * @param key the fields that identify the value; `{}` for an event with one value for each room.
 * @throws Error if the event is not declared with `Latest` or `Merge`. For an own contract, pass its
 *   generated `EVENTS` to the client as the option `events`.
 */
export function sharedValue<K extends SharedEvent>(
  client: SharedClient,
  event: K,
  room: string,
  key: KeyOf<K>,
): SharedValue<Payload<K>, ChangeOf<K>> {
  const rule = ruleOf(event, client.settings.events)?.conflate;
  if (!rule || rule.rule === "concat") {
    throw new Error(`${event} is not declared with Latest or Merge in the client's contract.`);
  }
  const shared = roomOf(client, room);
  const fields = key as Json;
  const slot = slotOf(event, rule.key, fields);
  let value = shared.values.get(slot);
  if (!value) {
    const isMerge = rule.rule === "merge";
    value = new SharedValue(client, shared, { event, room, key: fields, slot, isMerge });
    shared.values.set(slot, value);
  }
  return value as SharedValue<Payload<K>, ChangeOf<K>>;
}
