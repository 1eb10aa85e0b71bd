import { expect, it } from "vitest";

import { formatBytes, formatRate, formatSeconds, formatShare } from "../../src/format/measure";

it.each([
  [0, "0 B"],
  [412, "412 B"],
  [999, "999 B"],
  [999.6, "1 kB"],
  [1_234, "1.23 kB"],
  [12_345, "12.3 kB"],
  [345_678, "346 kB"],
  [1_600_000_000, "1.6 GB"],
  [-1, "–"],
])("formats %d bytes as %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it.each([
  [0, "0 ms"],
  [0.00042, "0.42 ms"],
  [0.0384, "38.4 ms"],
  [0.9996, "1 s"],
  [125, "2 m 05 s"],
  [Number.NaN, "–"],
])("formats %d seconds as %s", (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

it.each([
  [0, "0%"],
  [0.004, "0.4%"],
  [0.98, "98%"],
  [1, "100%"],
])("formats a share of %d as %s", (share, text) => expect(formatShare(share)).toBe(text));

it("formats rates with at most three digits", () => {
  expect([0, 0.25, 12.34, 1_234.6].map(formatRate)).toEqual(["0/s", "0.25/s", "12.3/s", "1,235/s"]);
});
