import { describe, expect, it } from "vitest";

import { CONTRACT_FINGERPRINT, LongwireError } from "../src/index.js";
import { fakeClock, startClient, startPair, statesOf } from "./fixtures.js";
import { startServer, until } from "./server.js";

describe("signing in", () => {
  it("does not retry after a rejection, and reports its reason (A11)", async () => {
    const server = await startServer();
    server.refusesToken = () => ({ message: "Unknown token.", code: "token_invalid" });
    const pass = fakeClock();
    const client = startClient(server.url);
    const states = statesOf(client);
    await expect(client.connect()).rejects.toEqual(
      new LongwireError("token_invalid", "Unknown token."),
    );
    await pass(60_000);
    expect(states).toEqual(["connecting", "error"]);
    expect(server.auths).toHaveLength(1);
  });

  it("connects with a new token after a rejection", async () => {
    const server = await startServer();
    server.refusesToken = (token) =>
      token === "ada" ? { message: "No.", code: "token_expired" } : null;
    const client = startClient(server.url);
    await expect(client.connect()).rejects.toThrow("No.");
    await client.connect("grace");
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "grace", error: null });
  });

  it("handles auth_error while signing in as a rejection", async () => {
    const server = await startServer();
    server.authenticates = false;
    const client = startClient(server.url, { authenticationGrace: 5_000 });
    const connecting = client.connect();
    await until(() => server.sockets.length === 1);
    server.broadcast("auth_error", "Unknown token.");
    await expect(connecting).rejects.toThrow("Unknown token.");
  });

  it("calls the token function for each attempt (A21)", async () => {
    let count = 0;
    const { server, client } = await startPair({
      client: { token: () => Promise.resolve(`token-${++count}`) },
    });
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    expect(server.auths.map(({ token }) => token)).toEqual(["token-1", "token-2"]);
  });

  it("sends no token if the token function returns none", async () => {
    const server = await startServer();
    const client = startClient(server.url, { token: () => null });
    await client.connect();
    expect(server.auths).toEqual([{ positions: true, contract: CONTRACT_FINGERPRINT }]);
  });

  it("counts an exception of the token function as a failed attempt", async () => {
    const server = await startServer();
    let count = 0;
    const token = (): string => {
      if (++count === 1) throw new Error("offline");
      return "ada";
    };
    await startClient(server.url, { token }).connect();
    expect(count).toBe(2);
  });

  it("renews the token without a reconnect (A22)", async () => {
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

  it("renews the token on auth_expiring (A22)", async () => {
    let count = 0;
    const { server, client } = await startPair({ client: { token: () => `ada:${++count}` } });
    server.broadcast("auth_expiring", { expiresIn: 30 });
    await until(() => server.of("auth").length === 1);
    await client.call("echo" as never, ...([1] as never));
    expect(server.of("auth")).toEqual([["ada:2"]]);
    expect(client.connection.getSnapshot()).toMatchObject({ userId: "ada", error: null });
    expect(server.connections).toBe(1);
  });

  it("reports a rejected renewal and stays connected", async () => {
    const { server, client } = await startPair();
    server.refusesToken = () => ({ message: "Revoked.", code: "token_invalid" });
    client.setToken("mallory");
    await until(() => client.connection.getSnapshot().error?.message === "Revoked.");
    expect(client.isConnected()).toBe(true);
  });

  it("reconnects with another token from the token function after token_expired", async () => {
    let count = 0;
    const { server, client } = await startPair({ client: { token: () => `token-${++count}` } });
    server.kick({ reason: "token_expired", message: "Expired.", reconnect: false });
    await until(() => server.connections === 2 && client.isConnected());
    expect(server.auths.at(-1)).toMatchObject({ token: "token-2" });
  });

  it("clears the error once connected (D51)", async () => {
    const { server, client } = await startPair();
    const errors: unknown[] = [];
    client.connection.subscribe(() => errors.push(client.connection.getSnapshot().error));
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    expect(errors[0]).toBeInstanceOf(Error);
    expect(errors.at(-1)).toBeNull();
  });
});

it("has no timer or listener after disconnect", async () => {
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
