import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import * as react from "../src/react/index.js";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it.each(Object.keys(react))("%s is in the README", (name) => {
  expect(README).toMatch(new RegExp(`\\b${name}\\b`));
});
