import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { Server, type Socket } from "socket.io";

/** A stock Socket.IO server on a free port that signs everybody in and notes the rooms. */
export class SocketServer {
  readonly rooms: string[] = [];
  readonly #http = createServer();
  readonly #io = new Server(this.#http);

  constructor() {
    this.#io.on("connection", (socket) => this.#welcome(socket));
  }

  /** Listens; resolves with the address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  publish(event: string, data: object): void {
    this.#io.emit(event, data);
  }

  async close(): Promise<void> {
    await this.#io.close();
  }

  #welcome(socket: Socket): void {
    socket.on("join_room", (room: string, acknowledge: (answer: object) => void) => {
      this.rooms.push(room);
      acknowledge({ ok: true, room });
    });
    socket.emit("authenticated", { userId: "ada", rooms: [] });
  }
}
