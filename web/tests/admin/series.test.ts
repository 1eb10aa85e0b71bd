import { expect, it } from "vitest";

import { ceilingOf, HEIGHT, linePath, newestOf, WIDTH } from "../../src/admin/chart/series";

it("draws up to a round number", () => {
  expect([[], [0], [0.3, 0.7], [42], [1_001]].map((samples) => ceilingOf(samples))).toEqual([
    1, 1, 1, 50, 2_000,
  ]);
});

it("draws a line from corner to corner, and interrupts it where nothing is known", () => {
  expect(linePath([0, 10], 10)).toBe(`M0.0 ${HEIGHT}.0L${WIDTH}.0 0.0`);
  expect(linePath([10, null, 10, 10], 10)).toBe("M0.0 0.0h0M200.0 0.0L300.0 0.0");
});

it("knows the newest value", () => {
  expect(newestOf([1, 2, null])).toBe(2);
  expect(newestOf([null])).toBeNull();
});
