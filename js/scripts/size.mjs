// Measures the size of the package in a page: minified, gzipped, without socket.io-client and React.
import { gzipSync } from "node:zlib";

import { rolldown } from "rolldown";

const HOOKS = "LongwireProvider, useConnection, useEvent, useJob, useJobs, useRoom";

// `useOutbox` and `useShared` add theirs to a page that uses them, and to no other.
// `publish`, and what shared values read of a room's log, added 0.6 kB to the client.
const LIMITS = [
  ["the client", 'export { createClient } from "./src/index.ts";', 7_250],
  ["the health, beside the client", 'export { watchHealth } from "./src/health.ts";', 2_000],
  ["the outbox, beside the client", 'export { createOutbox } from "./src/outbox.ts";', 3_750],
  ["shared values, beside the client", 'export { sharedValue } from "./src/shared.ts";', 3_700],
  ["the specification's names", 'export * from "./src/compat/index.ts";', 10_500],
  ["with the hooks for jobs", `export { ${HOOKS} } from "./src/react/index.ts";`, 8_950],
  ["with every hook and component", 'export * from "./src/react/index.ts";', 23_600],
];

/** Provides code as a module. */
function virtual(code) {
  return {
    name: "virtual",
    resolveId: (id) => (id === "page.ts" ? `${process.cwd()}/page.ts` : null),
    load: (id) => (id.endsWith("/page.ts") ? code : null),
  };
}

async function measure(code) {
  const bundle = await rolldown({
    input: "page.ts",
    external: ["socket.io-client", "react", "react/jsx-runtime"],
    platform: "browser",
    plugins: [virtual(code)],
    // Rolldown warns about "use client"; `npm run package` checks it in the built files.
    onLog: () => undefined,
  });
  const { output } = await bundle.generate({ format: "esm", minify: true, comments: false });
  return output.reduce((size, chunk) => size + gzipSync(chunk.code, { level: 9 }).length, 0);
}

for (const [name, code, limit] of LIMITS) {
  const size = await measure(code);
  const isOver = size > limit;
  process.stdout.write(`${name}: ${size} of ${limit} bytes gzipped${isOver ? " TOO LARGE" : ""}\n`);
  if (isOver) process.exitCode = 1;
}
