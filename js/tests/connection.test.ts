import { createHash } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { CONTRACT_FINGERPRINT } from "../src/index.js";
import { fakeClock, startClient, startPair, statesOf } from "./fixtures.js";
import { startServer, until } from "./server.js";

/** Ignores the reset of a client that gives up. */
const hangUp = (): void => undefined;

describe("connecting", () => {
  it("shows connecting, then connected", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    const states = statesOf(client);
    await client.connect();
    expect(states).toEqual(["connecting", "connected"]);
    expect(client.isConnected()).toBe(true);
    expect(server.auths).toEqual([
      { token: "ada", positions: true, contract: CONTRACT_FINGERPRINT },
    ]);
  });

  it("makes one connection of two calls of connect (A12)", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    await Promise.all([client.connect(), client.connect("ada")]);
    expect(server.connections).toBe(1);
  });

  it("is connected only after signing in (A16)", async () => {
    const server = await startServer();
    server.authenticates = false;
    const client = startClient(server.url, { authenticationGrace: 5_000 });
    const connected = client.connect();
    await until(() => server.sockets.length === 1);
    expect(client.getState()).toBe("connecting");
    server.broadcast("authenticated", { userId: "ada", rooms: [] });
    await connected;
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "ada", isConnected: true });
  });

  it("connects to a stock server without an authenticated event (A15)", async () => {
    const { client } = await startPair({ isStock: true });
    expect(client.connection.getSnapshot()).toMatchObject({ state: "connected", error: null });
  });

  it("reports the contract of a server that has another one", async () => {
    const server = await startServer({ contract: "0123456789abcdef" });
    const client = startClient(server.url);
    await client.connect();
    expect(client.connection.getSnapshot()).toMatchObject({
      otherContract: "0123456789abcdef",
      error: null,
    });
    server.options.contract = CONTRACT_FINGERPRINT;
    client.setToken("ada:2");
    await until(() => client.connection.getSnapshot().otherContract === null);
  });

  it("sends the application's own contract", async () => {
    const server = await startServer({ contract: "0123456789abcdef" });
    const client = startClient(server.url, { contract: "0123456789abcdef" });
    await client.connect();
    expect(server.auths).toMatchObject([{ contract: "0123456789abcdef" }]);
    expect(client.connection.getSnapshot().otherContract).toBeNull();
  });

  it("falls back to polling if the server has no WebSocket (A18)", async () => {
    const { client } = await startPair({ transports: ["polling"] });
    expect(client.isConnected()).toBe(true);
  });

  it("rejects connect when disconnect comes first, and stays disconnected (A13)", async () => {
    const server = await startServer();
    server.authenticates = false;
    const pass = fakeClock();
    const client = startClient(server.url);
    const states = statesOf(client);
    const connecting = client.connect();
    client.disconnect();
    await expect(connecting).rejects.toMatchObject({ code: "disconnected" });
    await pass(60_000);
    expect(states).toEqual(["connecting", "disconnected"]);
  });

  it("retries when a server accepts the connection and does not answer (A19)", async () => {
    const hole = createServer((socket) => socket.on("error", hangUp));
    onTestFinished(() => void hole.close());
    await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", resolve));
    const { port } = hole.address() as AddressInfo;
    const client = startClient(`http://127.0.0.1:${port}`, { timeout: 50 });
    client.connect().catch(() => undefined);
    await until(() => client.connection.getSnapshot().reconnectAttempts >= 2);
    expect(client.getState()).toBe("reconnecting");
    expect(client.connection.getSnapshot().error).toMatchObject({ code: "timeout" });
    client.disconnect();
  });

  it("retries when the transport closes before the handshake", async () => {
    const rude = createHttpServer();
    rude.on("upgrade", (request, socket) => {
      socket.on("error", hangUp);
      const key = `${request.headers["sec-websocket-key"] ?? ""}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash("sha1").update(key).digest("base64");
      socket.end(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    });
    onTestFinished(() => void rude.close());
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
    const { port } = rude.address() as AddressInfo;
    const client = startClient(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
    client.connect().catch(() => undefined);
    await until(() => client.connection.getSnapshot().reconnectAttempts >= 3);
    expect(client.connection.getSnapshot().error).toMatchObject({ code: "disconnected" });
  });

  it("does not log anything (A26)", async () => {
    const spies = (["log", "warn", "error", "info", "debug"] as const).map((name) =>
      vi.spyOn(console, name),
    );
    const { server, client } = await startPair();
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });

  it("keeps two clients apart (A25)", async () => {
    const one = await startPair();
    const other = await startPair();
    one.client.disconnect();
    expect(other.client.isConnected()).toBe(true);
  });
});

describe("reconnecting", () => {
  it("shows reconnecting when the transport drops (A2)", async () => {
    const { server, client } = await startPair();
    const states = statesOf(client);
    server.cut();
    await until(() => states.includes("connected"));
    expect(states).toEqual(["reconnecting", "connected"]);
  });

  it("emits events about a reconnect (A1)", async () => {
    const { server, client } = await startPair();
    const events: unknown[][] = [];
    client.on("disconnect", (reason) => events.push(["disconnect", reason]));
    client.on("reconnect_attempt", (attempt) => events.push(["reconnect_attempt", attempt]));
    client.on("connect", () => events.push(["connect"]));
    client.on("reconnect", (attempt) => events.push(["reconnect", attempt]));
    server.cut();
    await until(() => events.length === 4);
    expect(events).toEqual([
      ["disconnect", "transport close"],
      ["reconnect_attempt", 1],
      ["connect"],
      ["reconnect", 1],
    ]);
  });

  it("emits an event with the error of each failed attempt", async () => {
    const { server, client } = await startPair();
    const events: string[] = [];
    client.on("connect_error", (error) => events.push(`connect_error ${error instanceof Error}`));
    client.on("reconnect_error", (error) =>
      events.push(`reconnect_error ${error instanceof Error}`),
    );
    await server.close();
    await until(() => client.connection.getSnapshot().reconnectAttempts >= 3);
    client.disconnect();
    const [first, second] = ["connect_error true", "reconnect_error true"];
    expect(events.slice(0, 4)).toEqual([first, second, first, second]);
  });

  it("notifies of state changes until it is unsubscribed", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    const states: string[] = [];
    const stop = client.onStateChange((state) => states.push(state));
    expect(client.getState()).toBe("disconnected");
    await client.connect();
    stop();
    client.disconnect();
    expect(states).toEqual(["connecting", "connected"]);
  });

  it("reconnects after the server disconnects it (A4)", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    server.kick();
    await until(() => server.connections === 2 && client.isConnected());
    expect(server.of("join_room")).toHaveLength(2);
  });

  it("keeps trying until the server is back (A10)", async () => {
    const { server, client } = await startPair();
    const { port } = server;
    await server.close();
    await until(() => client.connection.getSnapshot().reconnectAttempts >= 7);
    expect(client.getState()).toBe("reconnecting");
    const again = await startServer({ port });
    await until(() => client.isConnected());
    expect(again.connections).toBe(1);
  });

  it("rejects connect within the timeout, and keeps trying", async () => {
    const unused = await startServer();
    const { port, url } = unused;
    await unused.close();
    const client = startClient(url, { timeout: 100, autoConnect: false });
    await expect(client.connect()).rejects.toMatchObject({ code: "unreachable" });
    expect(client.getState()).toBe("reconnecting");
    await startServer({ port });
    await client.connect();
    expect(client.isConnected()).toBe(true);
  });

  it("is reconnecting, not in error, during an outage (A11)", async () => {
    const { server, client } = await startPair();
    const states = statesOf(client);
    await server.close();
    await until(() => client.connection.getSnapshot().reconnectAttempts >= 3);
    expect(states).toEqual(["reconnecting"]);
    expect(client.connection.getSnapshot().error).toBeInstanceOf(Error);
    expect(client.connection.getSnapshot().nextRetryAt).not.toBeUndefined();
  });

  it("gives up after reconnectionAttempts, and retry starts over", async () => {
    const { server, client } = await startPair({ client: { reconnectionAttempts: 2 } });
    const failed = vi.fn();
    client.on("reconnect_failed", failed);
    const { port } = server;
    await server.close();
    await until(() => client.getState() === "error");
    expect(failed).toHaveBeenCalledOnce();
    expect(client.connection.getSnapshot().error).toMatchObject({ code: "unreachable" });
    await startServer({ port });
    client.retry();
    await until(() => client.isConnected());
  });

  it("reconnects immediately on retry", async () => {
    const { server, client } = await startPair({
      client: { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 },
    });
    server.cut();
    await until(() => client.getState() === "reconnecting");
    client.retry();
    await until(() => client.isConnected());
  });

  it("does not reset its delays for a flapping server (A17)", async () => {
    const { server, client } = await startPair({ client: { reconnectionDelay: 5 } });
    const attempts: number[] = [];
    client.on("reconnect", (attempt) => attempts.push(attempt));
    for (let drop = 1; drop <= 3; drop++) {
      server.cut();
      await until(() => attempts.length === drop);
    }
    expect(attempts).toEqual([1, 2, 3]);
  });

  it("does not reconnect against the server's advice (A23)", async () => {
    const { server, client } = await startPair();
    server.kick({ reason: "limit_exceeded", message: "Too much.", reconnect: false });
    await until(() => client.getState() === "error");
    expect(client.connection.getSnapshot().error).toMatchObject({
      code: "limit_exceeded",
      message: "Too much.",
    });
    expect(server.connections).toBe(1);
  });

  it("waits as long as the server advises (A23)", async () => {
    const { server, client } = await startPair();
    const before = Date.now();
    server.kick({ reason: "server_shutdown", message: "", reconnect: true, retryAfter: 0.3 });
    await until(() => client.getState() === "reconnecting");
    expect(client.connection.getSnapshot().nextRetryAt).toBeGreaterThanOrEqual(before + 300);
    await until(() => client.isConnected());
  });

  it("keeps a healthy connection whose pings are not answered (A6, A8, A9)", async () => {
    const pass = fakeClock();
    const { server, client } = await startPair({ pingInterval: 50 });
    let pongs = 0;
    for (const socket of server.sockets) {
      socket.removeAllListeners("ping");
      socket.conn.on("packet", ({ type }: { type: string }) => (pongs += Number(type === "pong")));
    }
    // Engine.IO's own pings arrive between the steps, in real time, and keep the connection open.
    for (let step = 1; step <= 7; step++) {
      await pass(10_000);
      const before = pongs;
      await until(() => pongs > before);
    }
    expect(server.of("ping").length).toBeGreaterThan(2);
    expect(client.isConnected()).toBe(true);
    expect(server.connections).toBe(1);
  });

  it("measures the round trip after each connect (A7)", async () => {
    const { server, client } = await startPair();
    await until(() => client.connection.getSnapshot().latencyMs !== null);
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    await until(() => client.connection.getSnapshot().latencyMs !== null);
    expect(server.of("ping")).toHaveLength(2);
  });

  it("closes the old socket (A14, A20)", async () => {
    const { server, client } = await startPair();
    client.disconnect();
    await client.connect();
    server.cut();
    await until(() => server.connections === 3 && client.isConnected());
    expect(server.sockets).toHaveLength(1);
  });
});
