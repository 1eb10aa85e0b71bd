import { expect, it } from "vitest";

import { isEqual, mergePatch } from "../../src/shared/json.js";

// The examples of RFC 7396, appendix A.
it.each([
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])("merges %j with %j", (value, patch, merged) => {
  expect(mergePatch(value, patch)).toEqual(merged);
});

it("does not change its arguments or a prototype", () => {
  const value = { a: { b: 1 } };
  const patch = JSON.parse('{"a": {"c": 2}, "__proto__": {"d": 3}}') as object;
  const merged = mergePatch(value, patch) as { d?: number };
  expect(merged).toMatchObject({ a: { b: 1, c: 2 } });
  expect(value).toEqual({ a: { b: 1 } });
  expect(merged.d).toBeUndefined();
  expect(({} as { d?: number }).d).toBeUndefined();
});

it.each([
  [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
  [{ a: 1 }, { a: 1, b: null }, false],
  [[1, 2], [2, 1], false],
  [{ "0": 1 }, [["0", 1]], false],
])("compares %j with %j", (a, b, result) => {
  expect(isEqual(a, b)).toBe(result);
});
