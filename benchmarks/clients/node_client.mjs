// socket.io-client under Node, whose handlers receive an object.
//     node_client.mjs PORT COUNT…      prints `ready`, and each of the counts when reached
import { io } from "socket.io-client";

const [port, ...counts] = process.argv.slice(2);
const wanted = new Set(counts.map(Number));
const socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"], auth: { token: "x" } });
let received = 0;

socket.on("job:progress", () => {
  received += 1;
  if (wanted.has(received)) console.log(received);
});
socket.on("connect", () => console.log("ready"));
