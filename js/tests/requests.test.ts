import { expect, it, onTestFinished } from "vitest";

import { createClient, type WebSocketClient } from "../src/index.js";
import { QUICK, startPair } from "./fixtures.js";
import { type ScriptedServer, startServer, until } from "./server.js";

interface Out {
  echo: (data: unknown, ack?: (answer: unknown) => void) => void;
  silent: (data?: unknown) => void;
}

type In = Record<"echoed", (data: unknown) => void>;

function startEcho(server: ScriptedServer, options = {}): WebSocketClient<In, Out> {
  const client = createClient<In, Out>(server.url, { ...QUICK, token: "ada", ...options });
  onTestFinished(() => client.disconnect());
  return client;
}

it("queues events emitted offline and sends them in order (B35)", async () => {
  const server = await startServer();
  const client = startEcho(server);
  for (let count = 1; count <= 3; count++) client.emit("silent", count);
  await client.connect();
  await until(() => server.of("silent").length === 3);
  expect(server.of("silent")).toEqual([[1], [2], [3]]);
});

it("sends queued events before those emitted on connecting (B35)", async () => {
  const server = await startServer();
  const client = startEcho(server);
  client.onStateChange((state) => {
    if (state === "connected") client.emit("silent", "second");
  });
  client.emit("silent", "first");
  await client.connect();
  await until(() => server.of("silent").length === 2);
  expect(server.of("silent")).toEqual([["first"], ["second"]]);
});

it("sends events emitted while reconnecting (B35)", async () => {
  const server = await startServer();
  const client = startEcho(server);
  await client.connect();
  client.onStateChange((state) => {
    if (state === "reconnecting") client.emit("silent", "late");
  });
  server.cut();
  await until(() => server.of("silent").length === 1);
});

it("throws for arguments that cannot be serialized, also while offline", async () => {
  const server = await startServer();
  const client = startEcho(server);
  expect(() => client.emit("silent", 1n)).toThrow(TypeError);
  client.emit("silent", "next");
  await client.connect();
  await until(() => server.of("silent").length === 1);
  expect(server.of("silent")).toEqual([["next"]]);
});

it("rejects a call with the reason of the rejected connection", async () => {
  const server = await startServer();
  server.refusesToken = () => ({ message: "No.", code: "token_invalid" });
  const client = startEcho(server, { callTimeout: 60_000 });
  await expect(client.connect()).rejects.toMatchObject({ code: "token_invalid" });
  await expect(client.call("echo", 1)).rejects.toMatchObject({ code: "token_invalid" });
});

it("treats an undefined option as omitted", async () => {
  const server = await startServer();
  const client = startEcho(server, { timeout: undefined, path: undefined, outboxLimit: undefined });
  client.emit("silent", "kept");
  await client.connect();
  await until(() => server.of("silent").length === 1);
});

it("hands out events of a stock server that resemble positions", async () => {
  const server = await startServer({ isStock: true });
  interface Mail {
    mail: (...words: string[]) => void;
  }
  const client = createClient<Mail>(server.url, QUICK);
  onTestFinished(() => client.disconnect());
  const received: string[][] = [];
  client.on("mail", (...words) => received.push(words));
  await client.connect();
  server.broadcast("mail", "bob", "123@example.com");
  await until(() => received.length === 1);
  expect(received).toEqual([["bob", "123@example.com"]]);
});

it("throws when the outbox is full", async () => {
  const client = startEcho(await startServer(), { outboxLimit: 2 });
  client.emit("silent");
  client.emit("silent");
  expect(() => client.emit("silent")).toThrow(expect.objectContaining({ code: "outbox_full" }));
});

it("resolves a call with the acknowledgement (B35)", async () => {
  const server = await startServer();
  const client = startEcho(server);
  await client.connect();
  expect(await client.call("echo", { a: 1 })).toEqual({ a: 1 });
});

it("waits for a connection before a call", async () => {
  const server = await startServer();
  const client = startEcho(server);
  const answer = client.call("echo", 7);
  await client.connect();
  expect(await answer).toBe(7);
});

it("rejects a call that is not answered in time", async () => {
  const server = await startServer();
  const client = startEcho(server, { callTimeout: 50 });
  await client.connect();
  await expect(client.call("silent")).rejects.toMatchObject({ code: "timeout" });
});

it("rejects a call without a connection in time", async () => {
  const client = startEcho(await startServer(), { callTimeout: 50 });
  await expect(client.call("echo", 1)).rejects.toMatchObject({ code: "timeout" });
});

it("rejects a call whose connection is lost", async () => {
  const server = await startServer();
  const client = startEcho(server);
  await client.connect();
  const answer = client.call("silent");
  await until(() => server.of("silent").length === 1);
  server.cut();
  await expect(answer).rejects.toMatchObject({ code: "disconnected" });
});

it("carries binary data both ways", async () => {
  const server = await startServer();
  const client = startEcho(server);
  await client.connect();
  const answer = await client.call("echo", new Uint8Array([1, 2, 3]));
  expect(new Uint8Array(answer as Buffer)).toEqual(new Uint8Array([1, 2, 3]));
});

it("handles auth, join_room and leave_room in emit", async () => {
  const { server, client } = await startPair();
  client.emit("join_room", "job:1");
  await until(() => client.room("job:1").getSnapshot().status === "live");
  client.emit("leave_room", "job:1");
  client.emit("auth", "grace");
  await until(() => client.connection.getSnapshot().userId === "grace");
  expect(server.of("leave_room")).toEqual([["job:1"]]);
});
