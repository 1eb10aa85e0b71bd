import { gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const SERVER = process.env["LONGWIRE_URL"] ?? "http://127.0.0.1:8000";

/** Writes a compressed copy of each text file, which the server sends as it is. */
function gzipCopies(): Plugin {
  return {
    name: "gzip-copies",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [fileName, file] of Object.entries(bundle)) {
          if (!/\.(?:js|css|svg)$/.test(fileName)) continue;
          const source = gzipSync(file.type === "chunk" ? file.code : file.source, { level: 9 });
          this.emitFile({ type: "asset", fileName: `${fileName}.gz`, source });
        }
      },
    },
  };
}

export default defineConfig({
  // Relative, so that the page works below any path.
  base: "./",
  plugins: [react(), gzipCopies()],
  build: {
    outDir: "../src/longwire/web/static",
    emptyOutDir: true,
    target: "es2022",
    // A strict content security policy does not allow data: scripts and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npm run dev -w web` serves the page from its source, with a server that is already running.
  server: {
    proxy: {
      "/api": SERVER,
      "/socket.io": { target: SERVER, ws: true },
    },
  },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
  },
});
