// Socket.IO's own server under Node: `ws` without compression, as its documentation advises.
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { pingInterval: 300_000, serveClient: false });
const late = [];

const announce = (room, message) =>
  io.to(room).emit("announcement", { timestamp: Date.now(), message, level: "info" });

let begin = () => {};

async function streamJob(number, { run, jobs, tokens, rate }, began) {
  const jobId = `${run}-${number}`;
  await began;
  const start = performance.now() + (number / jobs / rate) * 1000;
  for (let token = 0; token < tokens; token += 1) {
    await sleep(Math.max(0, start + (token / rate) * 1000 - performance.now()));
    const chunk = `token${String(token).padStart(5, "0")} `;
    io.to(`job:${jobId}`).emit("job:output", {
      timestamp: Date.now(),
      jobId,
      chunk,
      isComplete: false,
      type: "writing",
    });
  }
}

io.on("connection", (socket) => {
  socket.join("global");
  socket.emit("authenticated", { userId: "anonymous", rooms: ["global"] });
  socket.on("join_room", (room, acknowledge) => {
    socket.join(room);
    acknowledge({ ok: true, room });
    if (room === "job:late") for (const [name, payload] of late) socket.emit(name, payload);
  });
  socket.on("echo", (payload, acknowledge) => acknowledge(payload));
  socket.on("publish_one", ({ room, text }) => announce(room, text));
  socket.on("publish_rooms", ({ first, count, text }) => {
    for (let number = first; number < first + count; number += 1)
      announce(`campaign:${number}`, text);
  });
  socket.on("tick", async ({ room, text, rate, count }) => {
    const start = performance.now();
    for (let number = 0; number < count; number += 1) {
      await sleep(Math.max(0, start + (number / rate) * 1000 - performance.now()));
      announce(room, process.hrtime.bigint().toString().padStart(20, "0") + text);
    }
  });
  socket.on("start_jobs", (request, acknowledge) => {
    const began = new Promise((resolve) => {
      begin = resolve;
    });
    for (let number = 0; number < request.jobs; number += 1) streamJob(number, request, began);
    acknowledge(request.jobs);
  });
  socket.on("go", () => begin());
  socket.on("collect", (_, acknowledge) => {
    globalThis.gc();
    acknowledge(0);
  });
  // What an application needs for complete delivery: it keeps emitted events and sends them again.
  socket.on("stream", ({ tokens }, acknowledge) => {
    const timestamp = Date.now();
    late.push(["job:created", { timestamp, jobId: "late", title: "A long answer" }]);
    for (let number = 0; number < tokens; number += 1) {
      const chunk = `token${String(number).padStart(5, "0")} `;
      late.push([
        "job:output",
        { timestamp, jobId: "late", chunk, isComplete: false, type: "writing" },
      ]);
    }
    late.push(["job:completed", { timestamp, jobId: "late" }]);
    acknowledge(tokens);
  });
});

http.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () =>
  console.log(`Listening on ${http.address().port}`),
);
