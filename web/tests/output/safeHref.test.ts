// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";

import { safeHref } from "../../src/output/safeHref";

describe("safeHref", () => {
  it.each(["https://x.org/", "http://x.org/a"])("accepts %s", (address) => {
    expect(safeHref(address)).toBe(address);
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "file:///x",
    "http://",
  ])("rejects %s", (address) => {
    expect(safeHref(address)).toBeNull();
  });
});
