import { setTimeout as realTime } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

describe("another token", () => {
  it("connects anew for another user, whom the server does not take in place", async () => {
    const { server, client } = await startPair();
    const states: string[] = [];
    client.onStateChange((state) => states.push(state));
    const heard: string[] = [];
    client.on("disconnect", (reason) => heard.push(reason));
    client.setToken("grace");
    await until(() => client.connection.getSnapshot().userId === "grace");
    await until(() => client.isConnected());
    expect([states, heard]).toEqual([["connecting", "connected"], ["another_user"]]);
    expect(client.connection.getSnapshot().error).toBeNull();
    expect(server.sockets).toHaveLength(1);
  });

  it("does not connect anew for another user if a listener disconnects", async () => {
    const { server, client } = await startPair();
    client.on("disconnect", () => client.disconnect());
    client.setToken("grace");
    await until(() => client.getState() === "disconnected");
    await realTime(100);
    expect([client.getState(), server.sockets]).toEqual(["disconnected", []]);
  });

  it("signs out who needed no token, too", async () => {
    const server = await startServer();
    const client = startClient(server.url, { token: undefined });
    await client.connect();
    client.setToken(null);
    expect(client.getState()).toBe("disconnected");
    await until(() => server.sockets.length === 0);
  });

  it("signs out when its token is taken away, and stays so until it has another", async () => {
    const { server, client } = await startPair();
    client.setToken(null);
    expect(client.connection.getSnapshot()).toMatchObject({ state: "disconnected", userId: null });
    await until(() => server.sockets.length === 0);
    await client.connect("grace");
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "grace", error: null });
    expect(server.connections).toBe(2);
  });
});
