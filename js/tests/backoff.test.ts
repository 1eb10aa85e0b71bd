import { expect, it } from "vitest";

import { backoff } from "../src/backoff.js";

const OPTIONS = { reconnectionDelay: 1_000, reconnectionDelayMax: 30_000 };

const delays = (random: number): number[] =>
  [1, 2, 3, 4, 5, 6, 7, 10_000].map((attempt) => backoff(attempt, OPTIONS, random));

it("draws each delay from zero to a ceiling that doubles up to the longest (A17)", () => {
  expect(delays(1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(delays(0.5)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  expect(delays(0)).toEqual(Array(8).fill(0));
});
