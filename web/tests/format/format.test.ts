import { expect, it } from "vitest";

import {
  formatAge,
  formatDuration,
  formatElapsed,
  formatRemaining,
} from "../../src/format/duration";
import {
  count,
  formatCost,
  formatLabel,
  formatMetric,
  formatPercent,
  formatRatio,
} from "../../src/format/number";

it.each([
  [0, "0 s"],
  [0.42, "0.4 s"],
  [9.99, "10 s"],
  [59.6, "1 m 00 s"],
  [185, "3 m 05 s"],
  [3599.6, "1 h 00 m"],
  [7_800, "2 h 10 m"],
  [100_000, "1 d 3 h"],
  [-1, "–"],
  [NaN, "–"],
])("formats a duration of %d seconds as %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

it("formats elapsed time in whole seconds", () => {
  expect([0.9, 1.1, 61.9].map(formatElapsed)).toEqual(["0 s", "1 s", "1 m 01 s"]);
});

it.each([
  [2, "a few seconds left"],
  [22, "about 20 s left"],
  [70, "about 1 min left"],
  [5_400, "about 1.5 h left"],
  [-5, ""],
])("formats %d remaining seconds as %s", (seconds, text) => {
  expect(formatRemaining(seconds)).toBe(text);
});

it.each([
  [4_000, "just now"],
  [-9_000, "just now"],
  [47_000, "40 s ago"],
  [3_540_000, "59 min ago"],
  [7_200_000, "2 h ago"],
  [90_000_000, "yesterday"],
  [260_000_000, "3 days ago"],
])("formats an age of %d ms as %s", (ms, text) => {
  expect(formatAge(1_000_000_000_000 - ms, 1_000_000_000_000)).toBe(text);
});

it("does not round up to 100 percent", () => {
  expect([0, 41.99, 99.9, 100].map(formatPercent)).toEqual(["0%", "41%", "99%", "100%"]);
});

it("does not round a small cost to nothing", () => {
  expect([0, 0.0042, 1.5].map(formatCost)).toEqual(["$0.00", "$0.0042", "$1.50"]);
});

it("separates the thousands of a cost", () => {
  expect([1_234_567.891, -3].map(formatCost)).toEqual(["$1,234,567.89", "-$3.00"]);
});

it("turns keys into labels", () => {
  expect(["wordsPerFile", "longest_lines", "utf8Files"].map(formatLabel)).toEqual([
    "Words per file",
    "Longest lines",
    "Utf8 files",
  ]);
});

it("formats metrics of any type", () => {
  expect([12_345.6789, "x", [1, 2], null].map(formatMetric)).toEqual([
    "12,345.679",
    "x",
    "[1,2]",
    "null",
  ]);
});

it("does not round a small metric to nothing", () => {
  expect([0, 0.000_25, -0.000_001, 0.0999].map(formatMetric)).toEqual([
    "0",
    "0.00025",
    "-0.000001",
    "0.0999",
  ]);
});

it("counts with a plural", () => {
  expect([count(1, "line"), count(1_200, "line")]).toEqual(["1 line", "1,200 lines"]);
});

it("formats a ratio as a change with its sign", () => {
  expect([2.4, -0.18, 0, 12.5].map(formatRatio)).toEqual(["+240%", "\u221218%", "0%", "+1,250%"]);
});
