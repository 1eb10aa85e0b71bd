import { expect, it } from "vitest";

import { wireStateOf } from "../../src/connection/wireState";

const NEW = { connectedAt: null };
const USED = { connectedAt: 1_000 };

it.each([
  ["connecting", NEW, null],
  ["connecting", NEW, "connecting"],
  ["lost", NEW, "reconnecting"],
  ["refused", NEW, "error"],
  ["live", USED, null],
  ["live", USED, "restored"],
  ["lost", USED, "reconnecting"],
  ["lost", USED, "disconnected"],
  ["refused", USED, "error"],
] as const)("is %s for %o and the notice %s", (state, connection, notice) => {
  expect(wireStateOf(connection, notice)).toBe(state);
});
