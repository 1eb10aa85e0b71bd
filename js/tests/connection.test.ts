import { createHash } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as realTime } from "node:timers/promises";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { CONTRACT_FINGERPRINT, type ConnectionState, LongwireError } from "../src/index.js";
import { startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

/** A client that gives up resets the link: nothing that a server of these tests minds. */
const hangUp = (): void => undefined;

/** Every state from now on. */
function statesOf(client: {
  onStateChange(l: (s: ConnectionState) => void): () => void;
}): string[] {
  const states: string[] = [];
  client.onStateChange((state) => states.push(state));
  return states;
}

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

  it("is connected only when signed in (A16)", async () => {
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

  it("needs no authenticated event of a stock server (A15)", async () => {
    const { client } = await startPair({ isStock: true });
    expect(client.connection.getSnapshot()).toMatchObject({ state: "connected", error: null });
  });

  it("sees that the server has another contract than it was built for", async () => {
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

  it("says which contract an application was built for", async () => {
    const server = await startServer({ contract: "0123456789abcdef" });
    const client = startClient(server.url, { contract: "0123456789abcdef" });
    await client.connect();
    expect(server.auths).toMatchObject([{ contract: "0123456789abcdef" }]);
    expect(client.connection.getSnapshot().otherContract).toBeNull();
  });

  it("falls back to polling where WebSocket is not spoken (A18)", async () => {
    const { client } = await startPair({ transports: ["polling"] });
    expect(client.isConnected()).toBe(true);
  });

  it("rejects connect when disconnect comes first, and stays disconnected (A13)", async () => {
    const server = await startServer();
    server.authenticates = false;
    const client = startClient(server.url, { timeout: 50, authenticationGrace: 50 });
    const states = statesOf(client);
    const connecting = client.connect();
    client.disconnect();
    await expect(connecting).rejects.toMatchObject({ code: "disconnected" });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(states).toEqual(["connecting", "disconnected"]);
  });

  it("gives up a server that accepts and says nothing, and tries again (A19)", async () => {
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

  it("notices a transport that closes before the server said a word", async () => {
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

  it("tells of reconnects through its own events (A1)", async () => {
    const { server, client } = await startPair();
    const told: unknown[][] = [];
    client.on("disconnect", (reason) => told.push(["disconnect", reason]));
    client.on("reconnect_attempt", (attempt) => told.push(["reconnect_attempt", attempt]));
    client.on("connect", () => told.push(["connect"]));
    client.on("reconnect", (attempt) => told.push(["reconnect", attempt]));
    server.cut();
    await until(() => told.length === 4);
    expect(told).toEqual([
      ["disconnect", "transport close"],
      ["reconnect_attempt", 1],
      ["connect"],
      ["reconnect", 1],
    ]);
  });

  it("tells of each attempt that fails, and why", async () => {
    const { server, client } = await startPair();
    const told: string[] = [];
    client.on("connect_error", (error) => told.push(`connect_error ${error instanceof Error}`));
    client.on("reconnect_error", (error) => told.push(`reconnect_error ${error instanceof Error}`));
    await server.close();
    await until(() => client.connection.getSnapshot().reconnectAttempts >= 3);
    client.disconnect();
    const [first, second] = ["connect_error true", "reconnect_error true"];
    expect(told.slice(0, 4)).toEqual([first, second, first, second]);
  });

  it("tells its state until nobody asks any more", async () => {
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

  it("returns after the server disconnected it (A4)", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    server.kick();
    await until(() => server.connections === 2 && client.isConnected());
    expect(server.of("join_room")).toHaveLength(2);
  });

  it("never gives up by itself, and a server that returns is found (A10)", async () => {
    const { server, client } = await startPair();
    const { port } = server;
    await server.close();
    await until(() => client.connection.getSnapshot().reconnectAttempts >= 7);
    expect(client.getState()).toBe("reconnecting");
    const again = await startServer({ port });
    await until(() => client.isConnected());
    expect(again.connections).toBe(1);
  });

  it("does not call an outage an error while it keeps trying (A11)", async () => {
    const { server, client } = await startPair();
    const states = statesOf(client);
    await server.close();
    await until(() => client.connection.getSnapshot().reconnectAttempts >= 3);
    expect(states).toEqual(["reconnecting"]);
    expect(client.connection.getSnapshot().error).toBeInstanceOf(Error);
    expect(client.connection.getSnapshot().nextRetryAt).not.toBeUndefined();
  });

  it("gives up after as many attempts as it was told, and retry starts over", async () => {
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

  it("tries at once when asked to", async () => {
    const { server, client } = await startPair({
      client: { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 },
    });
    server.cut();
    await until(() => client.getState() === "reconnecting");
    client.retry();
    await until(() => client.isConnected());
  });

  it("lets a flapping server not reset its delays (A17)", async () => {
    const { server, client } = await startPair({ client: { reconnectionDelay: 5 } });
    const attempts: number[] = [];
    client.on("reconnect", (attempt) => attempts.push(attempt));
    for (let drop = 1; drop <= 3; drop++) {
      server.cut();
      await until(() => attempts.length === drop);
    }
    expect(attempts).toEqual([1, 2, 3]);
  });

  it("follows the server's advice not to return (A23)", async () => {
    const { server, client } = await startPair();
    server.kick({ reason: "limit_exceeded", message: "Too much.", reconnect: false });
    await until(() => client.getState() === "error");
    expect(client.connection.getSnapshot().error).toMatchObject({
      code: "limit_exceeded",
      message: "Too much.",
    });
    expect(server.connections).toBe(1);
  });

  it("follows the server's advice when to return (A23)", async () => {
    const { server, client } = await startPair();
    const before = Date.now();
    server.kick({ reason: "server_shutdown", message: "", reconnect: true, retryAfter: 0.3 });
    await until(() => client.getState() === "reconnecting");
    expect(client.connection.getSnapshot().nextRetryAt).toBeGreaterThanOrEqual(before + 300);
    await until(() => client.isConnected());
  });

  it("leaves a healthy connection alone, whatever becomes of its pings (A6, A8, A9)", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { server, client } = await startPair({ pingInterval: 50 });
    for (const socket of server.sockets) socket.removeAllListeners("ping");
    // Only the client's clock runs fast: its server keeps pinging in real time.
    for (let second = 0; second < 70; second++) {
      await vi.advanceTimersByTimeAsync(1_000);
      await realTime(15);
    }
    vi.useRealTimers();
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

  it("leaves nothing of an old socket behind (A14, A20)", async () => {
    const { server, client } = await startPair();
    client.disconnect();
    await client.connect();
    server.cut();
    await until(() => server.connections === 3 && client.isConnected());
    expect(server.sockets).toHaveLength(1);
  });
});

describe("signing in", () => {
  it("takes a refusal as final, and says why (A11)", async () => {
    const server = await startServer();
    server.refusesToken = () => ({ message: "Unknown token.", code: "token_invalid" });
    const client = startClient(server.url);
    await expect(client.connect()).rejects.toEqual(
      new LongwireError("token_invalid", "Unknown token."),
    );
    expect(client.getState()).toBe("error");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.auths).toHaveLength(1);
  });

  it("tries again after a refusal when it gets a new token", async () => {
    const server = await startServer();
    server.refusesToken = (token) =>
      token === "ada" ? { message: "No.", code: "token_expired" } : null;
    const client = startClient(server.url);
    await expect(client.connect()).rejects.toThrow("No.");
    await client.connect("grace");
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "grace", error: null });
  });

  it("takes auth_error while signing in as a refusal", async () => {
    const server = await startServer();
    server.authenticates = false;
    const client = startClient(server.url, { authenticationGrace: 5_000 });
    const connecting = client.connect();
    await until(() => server.sockets.length === 1);
    server.broadcast("auth_error", "Unknown token.");
    await expect(connecting).rejects.toThrow("Unknown token.");
  });

  it("asks its provider for a fresh token at each attempt (A21)", async () => {
    let count = 0;
    const { server, client } = await startPair({
      client: { token: () => Promise.resolve(`token-${++count}`) },
    });
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    expect(server.auths.map(({ token }) => token)).toEqual(["token-1", "token-2"]);
  });

  it("sends no token where its provider has none", async () => {
    const server = await startServer();
    const client = startClient(server.url, { token: () => null });
    await client.connect();
    expect(server.auths).toEqual([{ positions: true, contract: CONTRACT_FINGERPRINT }]);
  });

  it("takes a failing provider for a failed attempt", async () => {
    const server = await startServer();
    let count = 0;
    const token = (): string => {
      if (++count === 1) throw new Error("offline");
      return "ada";
    };
    await startClient(server.url, { token }).connect();
    expect(count).toBe(2);
  });

  it("takes a new token in place, without a reconnect (A22)", async () => {
    const { server, client } = await startPair();
    await client.connect("ada:2");
    await until(() => server.of("auth").length === 1);
    await client.call("echo" as never, ...([1] as never));
    expect(server.of("auth")).toEqual([["ada:2"]]);
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "ada", error: null });
    expect(server.connections).toBe(1);
  });

  it("does not send the same token twice", async () => {
    const { server, client } = await startPair();
    await client.connect("ada");
    await client.call("echo" as never, ...([1] as never));
    expect(server.of("auth")).toEqual([]);
  });

  it("renews its token when the server announces its end (A22)", async () => {
    let count = 0;
    const { server, client } = await startPair({ client: { token: () => `ada:${++count}` } });
    server.broadcast("auth_expiring", { expiresIn: 30 });
    await until(() => server.of("auth").length === 1);
    await client.call("echo" as never, ...([1] as never));
    expect(server.of("auth")).toEqual([["ada:2"]]);
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "ada", error: null });
    expect(server.connections).toBe(1);
  });

  it("shows a refused renewal, and stays while the server lets it", async () => {
    const { server, client } = await startPair();
    server.refusesToken = () => ({ message: "Revoked.", code: "token_invalid" });
    client.setToken("mallory");
    await until(() => client.connection.getSnapshot().error?.message === "Revoked.");
    expect(client.isConnected()).toBe(true);
  });

  it("returns with a fresh token after an expired one was cut, if it has a provider", async () => {
    let count = 0;
    const { server, client } = await startPair({ client: { token: () => `token-${++count}` } });
    server.kick({ reason: "token_expired", message: "Expired.", reconnect: false });
    await until(() => server.connections === 2 && client.isConnected());
    expect(server.auths.at(-1)).toMatchObject({ token: "token-2" });
  });

  it("clears an old error when connected (D51)", async () => {
    const { server, client } = await startPair();
    const errors: unknown[] = [];
    client.connection.subscribe(() => errors.push(client.connection.getSnapshot().error));
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    expect(errors[0]).toBeInstanceOf(Error);
    expect(errors.at(-1)).toBeNull();
  });
});

it("holds no timer or listener once disconnected", async () => {
  const server = await startServer();
  const client = startClient(server.url);
  for (let cycle = 0; cycle < 20; cycle++) {
    await client.connect();
    client.joinRoom("job:1");
    client.disconnect();
    client.leaveRoom("job:1");
  }
  await until(() => server.sockets.length === 0);
  expect(client.getState()).toBe("disconnected");
});
