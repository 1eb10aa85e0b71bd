// Runs the stock socket.io-client: reads commands as JSON lines from stdin, and reports occurrences as
// JSON lines on stdout. Bytes are encoded as {"$bytes": "<base64>"}.
import { createInterface } from "node:readline";

import { io } from "socket.io-client";

const pack = (value) => {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("base64") };
  if (Array.isArray(value)) return value.map(pack);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item)]));
  }
  return value;
};

const unpack = (value) => {
  if (Array.isArray(value)) return value.map(unpack);
  if (value && typeof value === "object") {
    if (typeof value.$bytes === "string") return Buffer.from(value.$bytes, "base64");
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]));
  }
  return value;
};

const report = (what, ...args) =>
  process.stdout.write(`${JSON.stringify({ what, args: pack(args) })}\n`);

let socket;

const reportTransport = () => {
  const { engine } = socket.io;
  report("transport", engine.transport.name);
  engine.on("upgrade", (transport) => report("transport", transport.name));
};

const commands = {
  connect({ url, options }) {
    socket = io(url, { forceNew: true, ...options });
    socket.io.on("open", reportTransport);
    socket.on("connect", () => report("connect", socket.id, socket.recovered));
    socket.on("connect_error", (error) =>
      report("connect_error", error.message, error.data ?? null, socket.active),
    );
    socket.on("disconnect", (reason) => report("disconnect", reason));
    socket.io.on("reconnect", (attempt) => report("reconnect", attempt));
    socket.onAny((name, ...args) => report("event", name, ...args));
  },
  emit: ({ event, args }) => socket.emit(event, ...unpack(args)),
  call: ({ id, event, args }) =>
    socket.emit(event, ...unpack(args), (...answer) => report("ack", id, ...answer)),
  // Sends a raw packet, which no application can.
  packet: ({ packet }) => socket.io._packet(unpack(packet)),
  cut: () => socket.io.engine.close(),
  disconnect: () => socket.disconnect(),
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { command, ...options } = JSON.parse(line);
  commands[command](options);
});
lines.on("close", () => {
  socket?.disconnect();
  process.exit(0);
});
