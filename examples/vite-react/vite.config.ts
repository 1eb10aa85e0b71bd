import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const SERVER = process.env.LONGWIRE_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/api": SERVER, "/socket.io": { target: SERVER, ws: true } } },
});
