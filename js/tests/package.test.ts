import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

const USE = `
const server = new TestServer("ada");
const client = createClient("http://test", server.options);
client.connect().then(() => {
  console.log(client.connection.getSnapshot().userId);
  client.disconnect();
});`;

/** Returns the output of a program that imports the built package. */
function run(type: "commonjs" | "module", code: string): string {
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const options = ["--input-type", type, "--eval", code];
  const { stdout, stderr } = spawnSync(process.execPath, options, { cwd, encoding: "utf8" });
  return stdout + stderr;
}

it.each(["longwire", "longwire/react", "longwire/zustand"])("%s can be required", (entry) => {
  expect(run("commonjs", `console.log(typeof require("${entry}"))`)).toBe("object\n");
});

it("works in CommonJS tests, such as those of Jest", () => {
  const entries = `const { createClient } = require("longwire");
    const { TestServer } = require("longwire/testing");`;
  expect(run("commonjs", entries + USE)).toBe("ada\n");
});

it("works in ES module tests, and lets the process exit after the last connection", () => {
  const entries = `import { createClient } from "longwire";
    import { TestServer } from "longwire/testing";`;
  expect(run("module", entries + USE)).toBe("ada\n");
});
