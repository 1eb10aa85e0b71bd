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

/** The two pages have their own files, since they are mounted at different paths. */
const PAGES = {
  jobs: { root: ".", publicDir: "public", outDir: "../src/longwire/web/static" },
  admin: { root: "admin", publicDir: "../public", outDir: "../../src/longwire/admin/static" },
} as const;

// `--mode admin` is the admin page; every other mode is the page of the jobs.
export default defineConfig(({ mode }) => {
  const { root, publicDir, outDir } = mode === "admin" ? PAGES.admin : PAGES.jobs;
  return {
    root,
    publicDir,
    // Relative, so that the page works below any path.
    base: "./",
    plugins: [react(), gzipCopies()],
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2022",
      // A strict content security policy does not allow data: scripts and fonts.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    // `npm run dev -w web` serves the page from its source, with a server that is already running.
    server: {
      proxy: {
        ...(mode === "admin" && {
          "/api": { target: SERVER, rewrite: (path: string) => `/_longwire${path}` },
        }),
        ...(mode !== "admin" && {
          "/api": SERVER,
          "/socket.io": { target: SERVER, ws: true },
        }),
      },
    },
    test: {
      include: ["tests/**/*.test.{ts,tsx}"],
    },
  };
});
