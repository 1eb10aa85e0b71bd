import { describe, expect, it } from "vitest";

import { fakeClock, startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

describe("another token", () => {
  it("opens another connection for another user", async () => {
    const { server, client } = await startPair();
    const states: string[] = [];
    client.onStateChange((state) => states.push(state));
    const received: string[] = [];
    client.on("disconnect", (reason) => received.push(reason));
    client.setToken("grace");
    await until(() => client.connection.getSnapshot().userId === "grace");
    await until(() => client.isConnected());
    expect([states, received]).toEqual([["connecting", "connected"], ["another_user"]]);
    expect(client.connection.getSnapshot().error).toBeNull();
    expect(server.sockets).toHaveLength(1);
  });

  it("does not connect for another user if a listener disconnects", async () => {
    const pass = fakeClock();
    const { server, client } = await startPair();
    client.on("disconnect", () => client.disconnect());
    client.setToken("grace");
    await until(() => client.getState() === "disconnected");
    await pass(60_000);
    expect(client.getState()).toBe("disconnected");
    await until(() => server.sockets.length === 0);
  });

  it("signs out without a token, too", async () => {
    const server = await startServer();
    const client = startClient(server.url, { token: undefined });
    await client.connect();
    client.setToken(null);
    expect(client.getState()).toBe("disconnected");
    await until(() => server.sockets.length === 0);
  });

  it("signs out on a null token, until there is another", async () => {
    const { server, client } = await startPair();
    client.setToken(null);
    expect(client.connection.getSnapshot()).toMatchObject({ state: "disconnected", userId: null });
    await until(() => server.sockets.length === 0);
    await client.connect("grace");
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "grace", error: null });
    expect(server.connections).toBe(2);
  });
});
