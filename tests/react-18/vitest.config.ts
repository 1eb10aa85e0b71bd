import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("../../js"),
  cacheDir: here("node_modules/.vite"),
  resolve: {
    alias: [
      { find: /^(react(?:-dom)?)(?=\/|$)/, replacement: here("node_modules/$1") },
      // Its CommonJS build requires the other React, and aliases do not apply to it.
      {
        find: /^@testing-library\/react$/,
        replacement: "@testing-library/react/dist/@testing-library/react.esm.js",
      },
    ],
  },
  test: {
    include: ["tests/react/**/*.test.tsx", here("*.test.tsx")],
    environment: "node",
    testTimeout: 20_000,
    // Aliases apply only to inlined dependencies.
    server: { deps: { inline: ["@testing-library/react", "zustand"] } },
  },
});
