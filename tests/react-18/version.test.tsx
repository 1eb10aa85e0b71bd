import { version } from "react";
import { version as domVersion } from "react-dom";
import { expect, it } from "vitest";

it("is React 18 that the tests beside this one run under", () => {
  expect(version).toMatch(/^18\./);
  expect(domVersion).toMatch(/^18\./);
});
