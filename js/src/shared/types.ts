import type { Draft } from "../contract.js";
import type { KeyField, Payload, ReceivedName, RegisteredEvents } from "../registration.js";

type RuleName<K extends ReceivedName> = RegisteredEvents[K] extends {
  conflate: { rule: infer R };
}
  ? R
  : never;

/** The events that are values: those declared with `Latest` or `Merge`. */
export type SharedEvent = {
  [K in ReceivedName]: RuleName<K> extends "latest" | "merge"
    ? RuleName<K> extends never
      ? never
      : K
    : never;
}[ReceivedName];

/** The fields that identify a value in its room; empty for an event with one value for each room. */
export type KeyOf<K extends SharedEvent> = Pick<Payload<K>, KeyField<K>>;

/** A JSON Merge Patch of a value: null deletes a member that may be absent. */
export type Patch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [M in keyof T]: Pick<T, M> extends Required<Pick<T, M>> ? Patch<T[M]> : Patch<T[M]> | null }
    : T;

type Fixed<K extends SharedEvent> = KeyField<K> | ("timestamp" & keyof Payload<K>);

/** A change of a value: a patch for an event declared with `Merge`, the whole value for others. */
export type ChangeOf<K extends SharedEvent> =
  RuleName<K> extends "merge"
    ? Omit<Patch<Payload<K>>, Fixed<K>>
    : Omit<Draft<Payload<K>>, KeyField<K>>;
