import { defineConfig } from "tsdown";

export default defineConfig({
  entry: {
    compat: "src/compat/index.ts",
    index: "src/index.ts",
    health: "src/health.ts",
    outbox: "src/outbox.ts",
    react: "src/react/index.ts",
    shared: "src/shared.ts",
    testing: "src/testing.ts",
    zustand: "src/zustand.ts",
  },
  format: ["esm", "cjs"],
  dts: true,
  sourcemap: true,
  target: "es2022",
  platform: "neutral",
  outDir: "dist",
  clean: true,
});
