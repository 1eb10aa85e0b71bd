import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("../../js"),
  cacheDir: here("node_modules/.vite"),
  resolve: {
    alias: [
      { find: /^(react(?:-dom)?)(?=\/|$)/, replacement: here("node_modules/$1") },
      // Its other half is CommonJS, whose imports nobody can change.
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
    // What they import is looked up here, too.
    server: { deps: { inline: ["@testing-library/react", "zustand"] } },
  },
});
