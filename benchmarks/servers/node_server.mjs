// Socket.IO's own server under Node.
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http);

io.on("connection", (socket) => {
  socket.join("global");
  socket.emit("authenticated", {});
  socket.on("echo", (payload, acknowledge) => acknowledge(payload));
  socket.on("broadcast", async ({ count, text, pause }, acknowledge) => {
    for (let sent = 0; sent < count; sent += 1) {
      io.to("global").emit("announcement", { timestamp: Date.now(), message: text, level: "info" });
      await sleep(pause * 1000);
    }
    acknowledge(Date.now() / 1000);
  });
});

http.listen(0, "127.0.0.1", () => console.log(`Listening on ${http.address().port}`));
