import { readdirSync, readFileSync } from "node:fs";

import { expect, it } from "vitest";

const SOURCE = new URL("../src/", import.meta.url);

function sources(): [name: string, text: string][] {
  const names = readdirSync(SOURCE, { recursive: true, encoding: "utf-8" });
  return names
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => [name, readFileSync(new URL(name, SOURCE), "utf-8")]);
}

/** The names of the specification include a client of the page; nothing else may import it. */
const COMPATIBILITY = /^compat\//;

const others = sources().filter(([name]) => !COMPATIBILITY.test(name));

it.each(others)("%s reads no environment and has no singleton (A24, A25)", (_, text) => {
  expect(text).not.toMatch(/from "[./]+compat\//);
  expect(text).not.toMatch(/\bprocess\.|import\.meta/);
  expect(text).not.toMatch(/^(export )?(let|var) /m);
  expect(text).not.toMatch(/^(export )?const \w+ = (create\w+|new WebSocketClient)\(/m);
});

it("marks the React entry as a client module (D64)", () => {
  expect(sources().find(([name]) => name === "react/index.ts")?.[1]).toMatch(
    /^(\/\*\*[^/]*\/react[^/]*\*\/\n\n)?"use client";\n/,
  );
});
