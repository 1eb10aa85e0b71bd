// The built TypeScript clients of Longwire under Node; see `benchmarks.storm`.
import { createInterface } from "node:readline";

import { createClient } from "../../js/dist/index.js";

const { room, urls } = JSON.parse(process.argv[2]);
const received = [];

for (const url of urls) {
  const numbers = [];
  const client = createClient(url, {
    token: "any token",
    transports: ["websocket"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 1000,
  });
  client.on("announcement", ({ message }) => numbers.push(Number(message)));
  client.joinRoom(room);
  await client.connect();
  received.push(numbers);
}

console.log("ready");
createInterface({ input: process.stdin }).on("line", () => console.log(JSON.stringify(received)));
