import { expect, it, onTestFinished } from "vitest";

import { createClient, type WebSocketClient } from "../src/index.js";
import { QUICK, startPair } from "./fixtures.js";
import { startWire, until, type Wire } from "./wire.js";

interface Out {
  echo: (data: unknown, ack?: (answer: unknown) => void) => void;
  silent: (data?: unknown) => void;
}

type In = Record<"echoed", (data: unknown) => void>;

function startEcho(wire: Wire, options = {}): WebSocketClient<In, Out> {
  const client = createClient<In, Out>(wire.url, { ...QUICK, token: "ada", ...options });
  onTestFinished(() => client.disconnect());
  return client;
}

it("sends in order, when connected, what was emitted before (B35)", async () => {
  const wire = await startWire();
  const client = startEcho(wire);
  for (let count = 1; count <= 3; count++) client.emit("silent", count);
  await client.connect();
  await until(() => wire.of("silent").length === 3);
  expect(wire.of("silent")).toEqual([[1], [2], [3]]);
});

it("sends first what waited, then what is emitted on being connected (B35)", async () => {
  const wire = await startWire();
  const client = startEcho(wire);
  client.onStateChange((state) => {
    if (state === "connected") client.emit("silent", "second");
  });
  client.emit("silent", "first");
  await client.connect();
  await until(() => wire.of("silent").length === 2);
  expect(wire.of("silent")).toEqual([["first"], ["second"]]);
});

it("sends after a drop what was emitted during it (B35)", async () => {
  const wire = await startWire();
  const client = startEcho(wire);
  await client.connect();
  wire.cut();
  await until(() => !client.isConnected());
  client.emit("silent", "late");
  await until(() => wire.of("silent").length === 1);
});

it("refuses at once what can never be sent, instead of never being connected for it", async () => {
  const wire = await startWire();
  const client = startEcho(wire);
  expect(() => client.emit("silent", 1n)).toThrow(TypeError);
  client.emit("silent", "next");
  await client.connect();
  await until(() => wire.of("silent").length === 1);
  expect(wire.of("silent")).toEqual([["next"]]);
});

it("fails a call at once, and says why, once the server refused us", async () => {
  const wire = await startWire();
  wire.refusesToken = () => ({ message: "No.", code: "token_invalid" });
  const client = startEcho(wire, { callTimeout: 60_000 });
  await expect(client.connect()).rejects.toMatchObject({ code: "token_invalid" });
  await expect(client.call("echo", 1)).rejects.toMatchObject({ code: "token_invalid" });
});

it("takes an option that is undefined for one that was left out", async () => {
  const wire = await startWire();
  const client = startEcho(wire, { timeout: undefined, path: undefined, outboxLimit: undefined });
  client.emit("silent", "kept");
  await client.connect();
  await until(() => wire.of("silent").length === 1);
});

it("hears all of what a stock server says, also what looks like a position", async () => {
  const wire = await startWire({ isStock: true });
  interface Mail {
    mail: (...words: string[]) => void;
  }
  const client = createClient<Mail>(wire.url, QUICK);
  onTestFinished(() => client.disconnect());
  const heard: string[][] = [];
  client.on("mail", (...words) => heard.push(words));
  await client.connect();
  wire.broadcast("mail", "bob", "123@example.com");
  await until(() => heard.length === 1);
  expect(heard).toEqual([["bob", "123@example.com"]]);
});

it("refuses to keep more than its outbox holds", async () => {
  const client = startEcho(await startWire(), { outboxLimit: 2 });
  client.emit("silent");
  client.emit("silent");
  expect(() => client.emit("silent")).toThrow(expect.objectContaining({ code: "outbox_full" }));
});

it("answers a call (B35)", async () => {
  const wire = await startWire();
  const client = startEcho(wire);
  await client.connect();
  expect(await client.call("echo", { a: 1 })).toEqual({ a: 1 });
});

it("lets a call wait for the connection", async () => {
  const wire = await startWire();
  const client = startEcho(wire);
  const answer = client.call("echo", 7);
  await client.connect();
  expect(await answer).toBe(7);
});

it("ends a call that nobody answers", async () => {
  const wire = await startWire();
  const client = startEcho(wire, { callTimeout: 50 });
  await client.connect();
  await expect(client.call("silent")).rejects.toMatchObject({ code: "timeout" });
});

it("ends a call that finds no connection in time", async () => {
  const client = startEcho(await startWire(), { callTimeout: 50 });
  await expect(client.call("echo", 1)).rejects.toMatchObject({ code: "timeout" });
});

it("ends a call whose connection is cut", async () => {
  const wire = await startWire();
  const client = startEcho(wire);
  await client.connect();
  const answer = client.call("silent");
  await until(() => wire.of("silent").length === 1);
  wire.cut();
  await expect(answer).rejects.toMatchObject({ code: "disconnected" });
});

it("carries binary data both ways", async () => {
  const wire = await startWire();
  const client = startEcho(wire);
  await client.connect();
  const answer = await client.call("echo", new Uint8Array([1, 2, 3]));
  expect(new Uint8Array(answer as Buffer)).toEqual(new Uint8Array([1, 2, 3]));
});

it("takes the specification's requests by the members that answer for them", async () => {
  const { wire, client } = await startPair();
  client.emit("join_room", "job:1");
  await until(() => client.room("job:1").getSnapshot().status === "joined");
  client.emit("leave_room", "job:1");
  client.emit("auth", "grace");
  await until(() => client.connection.getSnapshot().userId === "grace");
  expect(wire.of("leave_room")).toEqual([["job:1"]]);
});
