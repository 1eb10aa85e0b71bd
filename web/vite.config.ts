import { gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const SERVER = process.env["LONGWIRE_URL"] ?? "http://127.0.0.1:8000";

/** Writes a compressed twin beside each text file, for the server to hand out as it is. */
function gzipTwins(): Plugin {
  return {
    name: "gzip-twins",
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
  // Relative: the page works below any path it is mounted at.
  base: "./",
  plugins: [react(), gzipTwins()],
  build: {
    outDir: "../src/longwire/web/static",
    emptyOutDir: true,
    target: "es2022",
    // A strict content security policy allows neither data: scripts nor data: fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npm run dev -w web` shows the page of the source beside a server that runs already.
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
