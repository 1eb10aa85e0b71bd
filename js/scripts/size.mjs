// What the core costs a page: minified, gzipped, without socket.io-client. Fails above the bar.
import { gzipSync } from "node:zlib";

import { rolldown } from "rolldown";

const BARS = { "src/index.ts": 6_000, "src/react/index.ts": 11_000 };

async function measure(entry) {
  const bundle = await rolldown({
    input: entry,
    external: ["socket.io-client", "react", "react/jsx-runtime"],
    platform: "browser",
  });
  const { output } = await bundle.generate({ format: "esm", minify: true, comments: false });
  return output.reduce((size, { code }) => size + gzipSync(code ?? "", { level: 9 }).length, 0);
}

for (const [entry, bar] of Object.entries(BARS)) {
  const size = await measure(entry);
  const isOver = size > bar;
  process.stdout.write(`${entry}: ${size} of ${bar} bytes gzipped${isOver ? " TOO LARGE" : ""}\n`);
  if (isOver) process.exitCode = 1;
}
