// The stock socket.io-client; see `benchmarks.storm`.
import { createInterface } from "node:readline";

import { io } from "socket.io-client";

const { room, urls } = JSON.parse(process.argv[2]);
const received = [];

for (const url of urls) {
  const numbers = [];
  const socket = io(url, {
    forceNew: true,
    transports: ["websocket"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 1000,
  });
  socket.on("announcement", ({ message }) => numbers.push(Number(message)));
  await new Promise((joined) => socket.on("connect", () => socket.emit("join_room", room, joined)));
  received.push(numbers);
}

console.log("ready");
createInterface({ input: process.stdin }).on("line", () => console.log(JSON.stringify(received)));
