// The stock socket.io-client, told what to do by JSON lines on stdin; says what happens by JSON
// lines on stdout. Bytes travel as {"$bytes": "<base64>"}.
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

const say = (what, ...args) =>
  process.stdout.write(`${JSON.stringify({ what, args: pack(args) })}\n`);

let socket;

const sayTransport = () => {
  const { engine } = socket.io;
  say("transport", engine.transport.name);
  engine.on("upgrade", (transport) => say("transport", transport.name));
};

const commands = {
  connect({ url, options }) {
    socket = io(url, { forceNew: true, ...options });
    socket.io.on("open", sayTransport);
    socket.on("connect", () => say("connect", socket.id, socket.recovered));
    socket.on("connect_error", (error) =>
      say("connect_error", error.message, error.data ?? null, socket.active),
    );
    socket.on("disconnect", (reason) => say("disconnect", reason));
    socket.io.on("reconnect", (attempt) => say("reconnect", attempt));
    socket.onAny((name, ...args) => say("event", name, ...args));
  },
  emit: ({ event, args }) => socket.emit(event, ...unpack(args)),
  call: ({ id, event, args }) =>
    socket.emit(event, ...unpack(args), (...answer) => say("ack", id, ...answer)),
  // What no application sends: a packet of the parser, as it stands.
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
