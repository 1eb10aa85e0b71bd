// Longwire's TypeScript clients, as built, under Node; see `benchmarks.storm`.
import { createInterface } from "node:readline";

import { createClient } from "../../js/dist/index.js";

const { room, urls } = JSON.parse(process.argv[2]);
const heard = [];

for (const url of urls) {
  const numbers = [];
  const client = createClient(url, {
    token: "anybody",
    transports: ["websocket"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 1000,
  });
  client.on("announcement", ({ message }) => numbers.push(Number(message)));
  client.joinRoom(room);
  await client.connect();
  heard.push(numbers);
}

console.log("ready");
createInterface({ input: process.stdin }).on("line", () => console.log(JSON.stringify(heard)));
