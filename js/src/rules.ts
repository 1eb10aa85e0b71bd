import { EVENTS, type EventRule } from "./contract.js";

/** The rooms and merge rules of a contract's events: its generated `EVENTS`. */
export type EventRules = Readonly<Record<string, EventRule>>;

/** Returns the rules of an event in the client's contract, or in Longwire's catalog. */
export function ruleOf(event: string, rules: EventRules): EventRule | undefined {
  return rules[event] ?? (EVENTS as EventRules)[event];
}

/** Returns the room of an event: the given one, or that which its payload determines. */
export function roomOf(
  event: string,
  data: unknown,
  room: string | undefined,
  rules: EventRules,
): string | null {
  const pattern = room ?? ruleOf(event, rules)?.room ?? null;
  if (room !== undefined || pattern === null) return pattern;
  const fields = Object(data) as Readonly<Record<string, unknown>>;
  return pattern.replace(/\{(\w+)\}/g, (_, field: string) => String(fields[field]));
}
