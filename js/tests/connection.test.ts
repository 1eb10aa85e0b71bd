import { createHash } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as realTime } from "node:timers/promises";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { CONTRACT_FINGERPRINT, type ConnectionState, LongwireError } from "../src/index.js";
import { startClient, startPair } from "./fixtures.js";
import { startWire, until } from "./wire.js";

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
    const wire = await startWire();
    const client = startClient(wire.url);
    const states = statesOf(client);
    await client.connect();
    expect(states).toEqual(["connecting", "connected"]);
    expect(client.isConnected()).toBe(true);
    expect(wire.auths).toEqual([{ token: "ada", positions: true, contract: CONTRACT_FINGERPRINT }]);
  });

  it("makes one connection of two calls of connect (A12)", async () => {
    const wire = await startWire();
    const client = startClient(wire.url);
    await Promise.all([client.connect(), client.connect("ada")]);
    expect(wire.connections).toBe(1);
  });

  it("is connected only when signed in (A16)", async () => {
    const wire = await startWire();
    wire.authenticates = false;
    const client = startClient(wire.url, { authenticationGrace: 5_000 });
    const connected = client.connect();
    await until(() => wire.sockets.length === 1);
    expect(client.getState()).toBe("connecting");
    wire.broadcast("authenticated", { userId: "ada", rooms: [] });
    await connected;
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "ada", isConnected: true });
  });

  it("needs no authenticated event of a stock server (A15)", async () => {
    const { client } = await startPair({ isStock: true });
    expect(client.connection.getSnapshot()).toMatchObject({ state: "connected", error: null });
  });

  it("sees that the server has another contract than it was built for", async () => {
    const wire = await startWire({ contract: "0123456789abcdef" });
    const client = startClient(wire.url);
    await client.connect();
    expect(client.connection.getSnapshot()).toMatchObject({ isOutdated: true, error: null });
    wire.options.contract = CONTRACT_FINGERPRINT;
    client.setToken("ada:2");
    await until(() => !client.connection.getSnapshot().isOutdated);
  });

  it("says which contract an application was built for", async () => {
    const wire = await startWire({ contract: "0123456789abcdef" });
    const client = startClient(wire.url, { contract: "0123456789abcdef" });
    await client.connect();
    expect(wire.auths).toMatchObject([{ contract: "0123456789abcdef" }]);
    expect(client.connection.getSnapshot().isOutdated).toBe(false);
  });

  it("falls back to polling where WebSocket is not spoken (A18)", async () => {
    const { client } = await startPair({ transports: ["polling"] });
    expect(client.isConnected()).toBe(true);
  });

  it("rejects connect when disconnect comes first, and stays disconnected (A13)", async () => {
    const wire = await startWire();
    wire.authenticates = false;
    const client = startClient(wire.url, { timeout: 50, authenticationGrace: 50 });
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
    await until(() => client.connection.getSnapshot().attempt >= 2);
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
    await until(() => client.connection.getSnapshot().attempt >= 3);
    expect(client.connection.getSnapshot().error).toMatchObject({ code: "disconnected" });
  });

  it("does not log anything (A26)", async () => {
    const spies = (["log", "warn", "error", "info", "debug"] as const).map((name) =>
      vi.spyOn(console, name),
    );
    const { wire, client } = await startPair();
    wire.cut();
    await until(() => wire.connections === 2 && client.isConnected());
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
    const { wire, client } = await startPair();
    const states = statesOf(client);
    wire.cut();
    await until(() => states.includes("connected"));
    expect(states).toEqual(["reconnecting", "connected"]);
  });

  it("tells of reconnects through its own events (A1)", async () => {
    const { wire, client } = await startPair();
    const told: unknown[][] = [];
    client.on("disconnect", (reason) => told.push(["disconnect", reason]));
    client.on("reconnect_attempt", (attempt) => told.push(["reconnect_attempt", attempt]));
    client.on("connect", () => told.push(["connect"]));
    client.on("reconnect", (attempt) => told.push(["reconnect", attempt]));
    wire.cut();
    await until(() => told.length === 4);
    expect(told).toEqual([
      ["disconnect", "transport close"],
      ["reconnect_attempt", 1],
      ["connect"],
      ["reconnect", 1],
    ]);
  });

  it("tells of each attempt that fails, and why", async () => {
    const { wire, client } = await startPair();
    const told: string[] = [];
    client.on("connect_error", (error) => told.push(`connect_error ${error instanceof Error}`));
    client.on("reconnect_error", (error) => told.push(`reconnect_error ${error instanceof Error}`));
    await wire.close();
    await until(() => client.connection.getSnapshot().attempt >= 3);
    client.disconnect();
    const [first, second] = ["connect_error true", "reconnect_error true"];
    expect(told.slice(0, 4)).toEqual([first, second, first, second]);
  });

  it("tells its state until nobody asks any more", async () => {
    const wire = await startWire();
    const client = startClient(wire.url);
    const states: string[] = [];
    const stop = client.onStateChange((state) => states.push(state));
    expect(client.getState()).toBe("disconnected");
    await client.connect();
    stop();
    client.disconnect();
    expect(states).toEqual(["connecting", "connected"]);
  });

  it("returns after the server disconnected it (A4)", async () => {
    const { wire, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "joined");
    wire.kick();
    await until(() => wire.connections === 2 && client.isConnected());
    expect(wire.of("join_room")).toHaveLength(2);
  });

  it("never gives up by itself, and a server that returns is found (A10)", async () => {
    const { wire, client } = await startPair();
    const { port } = wire;
    await wire.close();
    await until(() => client.connection.getSnapshot().attempt >= 7);
    expect(client.getState()).toBe("reconnecting");
    const again = await startWire({ port });
    await until(() => client.isConnected());
    expect(again.connections).toBe(1);
  });

  it("does not call an outage an error while it keeps trying (A11)", async () => {
    const { wire, client } = await startPair();
    const states = statesOf(client);
    await wire.close();
    await until(() => client.connection.getSnapshot().attempt >= 3);
    expect(states).toEqual(["reconnecting"]);
    expect(client.connection.getSnapshot().error).toBeInstanceOf(Error);
    expect(client.connection.getSnapshot().nextRetryAt).not.toBeUndefined();
  });

  it("gives up after as many attempts as it was told, and retry starts over", async () => {
    const { wire, client } = await startPair({ client: { reconnectionAttempts: 2 } });
    const failed = vi.fn();
    client.on("reconnect_failed", failed);
    const { port } = wire;
    await wire.close();
    await until(() => client.getState() === "error");
    expect(failed).toHaveBeenCalledOnce();
    expect(client.connection.getSnapshot().error).toMatchObject({ code: "unreachable" });
    await startWire({ port });
    client.retry();
    await until(() => client.isConnected());
  });

  it("tries at once when asked to", async () => {
    const { wire, client } = await startPair({
      client: { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 },
    });
    wire.cut();
    await until(() => client.getState() === "reconnecting");
    client.retry();
    await until(() => client.isConnected());
  });

  it("lets a flapping server not reset its delays (A17)", async () => {
    const { wire, client } = await startPair({ client: { reconnectionDelay: 5 } });
    const attempts: number[] = [];
    client.on("reconnect", (attempt) => attempts.push(attempt));
    for (let drop = 1; drop <= 3; drop++) {
      wire.cut();
      await until(() => attempts.length === drop);
    }
    expect(attempts).toEqual([1, 2, 3]);
  });

  it("follows the server's advice not to return (A23)", async () => {
    const { wire, client } = await startPair();
    wire.kick({ reason: "limit_exceeded", message: "Too much.", reconnect: false });
    await until(() => client.getState() === "error");
    expect(client.connection.getSnapshot().error).toMatchObject({
      code: "limit_exceeded",
      message: "Too much.",
    });
    expect(wire.connections).toBe(1);
  });

  it("follows the server's advice when to return (A23)", async () => {
    const { wire, client } = await startPair();
    const before = Date.now();
    wire.kick({ reason: "server_shutdown", message: "", reconnect: true, retryAfter: 0.3 });
    await until(() => client.getState() === "reconnecting");
    expect(client.connection.getSnapshot().nextRetryAt).toBeGreaterThanOrEqual(before + 300);
    await until(() => client.isConnected());
  });

  it("leaves a healthy connection alone, whatever becomes of its pings (A6, A8, A9)", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { wire, client } = await startPair({ pingInterval: 50 });
    for (const socket of wire.sockets) socket.removeAllListeners("ping");
    // Only the client's clock runs fast: its server keeps pinging in real time.
    for (let second = 0; second < 70; second++) {
      await vi.advanceTimersByTimeAsync(1_000);
      await realTime(15);
    }
    vi.useRealTimers();
    expect(wire.of("ping").length).toBeGreaterThan(2);
    expect(client.isConnected()).toBe(true);
    expect(wire.connections).toBe(1);
  });

  it("measures the round trip after each connect (A7)", async () => {
    const { wire, client } = await startPair();
    await until(() => client.connection.getSnapshot().latencyMs !== null);
    wire.cut();
    await until(() => wire.connections === 2 && client.isConnected());
    await until(() => client.connection.getSnapshot().latencyMs !== null);
    expect(wire.of("ping")).toHaveLength(2);
  });

  it("leaves nothing of an old socket behind (A14, A20)", async () => {
    const { wire, client } = await startPair();
    client.disconnect();
    await client.connect();
    wire.cut();
    await until(() => wire.connections === 3 && client.isConnected());
    expect(wire.sockets).toHaveLength(1);
  });
});

describe("signing in", () => {
  it("takes a refusal as final, and says why (A11)", async () => {
    const wire = await startWire();
    wire.refusesToken = () => ({ message: "Unknown token.", code: "token_invalid" });
    const client = startClient(wire.url);
    await expect(client.connect()).rejects.toEqual(
      new LongwireError("token_invalid", "Unknown token."),
    );
    expect(client.getState()).toBe("error");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(wire.auths).toHaveLength(1);
  });

  it("tries again after a refusal when it gets a new token", async () => {
    const wire = await startWire();
    wire.refusesToken = (token) =>
      token === "ada" ? { message: "No.", code: "token_expired" } : null;
    const client = startClient(wire.url);
    await expect(client.connect()).rejects.toThrow("No.");
    await client.connect("grace");
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "grace", error: null });
  });

  it("takes auth_error while signing in as a refusal", async () => {
    const wire = await startWire();
    wire.authenticates = false;
    const client = startClient(wire.url, { authenticationGrace: 5_000 });
    const connecting = client.connect();
    await until(() => wire.sockets.length === 1);
    wire.broadcast("auth_error", "Unknown token.");
    await expect(connecting).rejects.toThrow("Unknown token.");
  });

  it("asks its provider for a fresh token at each attempt (A21)", async () => {
    let count = 0;
    const { wire, client } = await startPair({
      client: { token: () => Promise.resolve(`token-${++count}`) },
    });
    wire.cut();
    await until(() => wire.connections === 2 && client.isConnected());
    expect(wire.auths.map(({ token }) => token)).toEqual(["token-1", "token-2"]);
  });

  it("sends no token where its provider has none", async () => {
    const wire = await startWire();
    const client = startClient(wire.url, { token: () => null });
    await client.connect();
    expect(wire.auths).toEqual([{ positions: true, contract: CONTRACT_FINGERPRINT }]);
  });

  it("takes a failing provider for a failed attempt", async () => {
    const wire = await startWire();
    let count = 0;
    const token = (): string => {
      if (++count === 1) throw new Error("offline");
      return "ada";
    };
    await startClient(wire.url, { token }).connect();
    expect(count).toBe(2);
  });

  it("takes a new token in place, without a reconnect (A22)", async () => {
    const { wire, client } = await startPair();
    await client.connect("ada:2");
    await until(() => wire.of("auth").length === 1);
    await client.call("echo" as never, ...([1] as never));
    expect(wire.of("auth")).toEqual([["ada:2"]]);
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "ada", error: null });
    expect(wire.connections).toBe(1);
  });

  it("does not send the same token twice", async () => {
    const { wire, client } = await startPair();
    await client.connect("ada");
    await client.call("echo" as never, ...([1] as never));
    expect(wire.of("auth")).toEqual([]);
  });

  it("renews its token when the server announces its end (A22)", async () => {
    let count = 0;
    const { wire, client } = await startPair({ client: { token: () => `ada:${++count}` } });
    wire.broadcast("auth_expiring", { expiresIn: 30 });
    await until(() => wire.of("auth").length === 1);
    await client.call("echo" as never, ...([1] as never));
    expect(wire.of("auth")).toEqual([["ada:2"]]);
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "ada", error: null });
    expect(wire.connections).toBe(1);
  });

  it("shows a refused renewal, and stays while the server lets it", async () => {
    const { wire, client } = await startPair();
    wire.refusesToken = () => ({ message: "Revoked.", code: "token_invalid" });
    client.setToken("mallory");
    await until(() => client.connection.getSnapshot().error?.message === "Revoked.");
    expect(client.isConnected()).toBe(true);
  });

  it("returns with a fresh token after an expired one was cut, if it has a provider", async () => {
    let count = 0;
    const { wire, client } = await startPair({ client: { token: () => `token-${++count}` } });
    wire.kick({ reason: "token_expired", message: "Expired.", reconnect: false });
    await until(() => wire.connections === 2 && client.isConnected());
    expect(wire.auths.at(-1)).toMatchObject({ token: "token-2" });
  });

  it("clears an old error when connected (D51)", async () => {
    const { wire, client } = await startPair();
    const errors: unknown[] = [];
    client.connection.subscribe(() => errors.push(client.connection.getSnapshot().error));
    wire.cut();
    await until(() => wire.connections === 2 && client.isConnected());
    expect(errors[0]).toBeInstanceOf(Error);
    expect(errors.at(-1)).toBeNull();
  });
});

it("holds no timer or listener once disconnected", async () => {
  const wire = await startWire();
  const client = startClient(wire.url);
  for (let cycle = 0; cycle < 20; cycle++) {
    await client.connect();
    client.joinRoom("job:1");
    client.disconnect();
    client.leaveRoom("job:1");
  }
  await until(() => wire.sockets.length === 0);
  expect(client.getState()).toBe("disconnected");
});
