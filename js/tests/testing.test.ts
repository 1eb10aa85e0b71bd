import { expect, it, onTestFinished } from "vitest";

import { type ClientOptions, createClient, type WebSocketClient } from "../src/index.js";
import { sharedValue } from "../src/shared.js";
import { TestServer } from "../src/testing.js";
import { QUICK } from "./fixtures.js";
import { until } from "./server.js";

function start(server: TestServer, options: ClientOptions = {}): WebSocketClient {
  const client = createClient("http://test", { ...QUICK, ...server.options, ...options });
  onTestFinished(() => client.disconnect());
  return client;
}

it("signs in and sends a job's events", async () => {
  const server = new TestServer("grace", ["user:grace"]);
  const client = start(server);
  const job = client.job("1");
  job.subscribe(() => undefined);
  server.publish("job:1", "job:progress", { jobId: "1", progress: 42, currentStep: "writing" });
  await client.connect();
  await until(() => job.getSnapshot().progress === 42);
  expect(client.connection.getSnapshot()).toMatchObject({ userId: "grace", state: "connected" });
  expect(client.room("user:grace").getSnapshot().status).toBe("live");
});

it("resumes after a cut without loss or duplicates", async () => {
  const server = new TestServer();
  const client = start(server);
  const received: string[] = [];
  client.on("job:output", ({ chunk }) => received.push(chunk));
  client.joinRoom("job:1");
  await client.connect();
  const publish = (chunk: string): void => {
    server.publish("job:1", "job:output", { jobId: "1", chunk, isComplete: false });
  };
  publish("a");
  await until(() => received.length === 1);
  const states: string[] = [];
  client.onStateChange((state) => states.push(state));
  server.cut();
  publish("b");
  await until(() => received.length === 2);
  publish("c");
  await until(() => received.length === 3);
  expect(received).toEqual(["a", "b", "c"]);
  expect(states).toEqual(["reconnecting", "connected"]);
});

it("denies rooms, answers requests, and records what was sent", async () => {
  const server = new TestServer();
  server.denied.set("job:2", "forbidden");
  const error = { code: "job_finished", message: "It is over." };
  server.answers.set("job:cancel", () => ({ ok: false, error }));
  const client = start(server);
  await client.connect();
  client.joinRoom("job:2", { from: "now" });
  await until(() => client.room("job:2").getSnapshot().error?.code === "forbidden");
  await expect(client.cancelJob("1", "enough")).rejects.toMatchObject({ code: "job_finished" });
  client.leaveRoom("job:2");
  expect(await client.call("publish", { event: "x", data: {} })).toEqual({ ok: true });
  expect(server.sent).toContainEqual(["job:cancel", { jobId: "1", reason: "enough" }]);
});

it("can have another contract", async () => {
  const server = new TestServer();
  const client = start(server);
  await client.connect();
  expect(client.connection.getSnapshot().otherContract).toBeNull();
  server.contract = "0123456789abcdef";
  server.cut();
  await until(() => client.connection.getSnapshot().otherContract === "0123456789abcdef");
});

it("publishes what clients ask for, under their conditions", async () => {
  const server = new TestServer();
  const [one, two] = [start(server), start(server)];
  await Promise.all([one.connect(), two.connect()]);
  const values = [one, two].map((client) =>
    sharedValue(client, "asset:status", "global", { assetId: "a" }),
  ) as [
    ReturnType<typeof sharedValue<"asset:status">>,
    ReturnType<typeof sharedValue<"asset:status">>,
  ];
  for (const value of values) value.subscribe(() => undefined);
  server.publish("global", "announcement", { message: "", level: "info" });
  const draft = { status: "draft", previousStatus: "draft" } as const;
  expect(await values[0].update(draft)).toMatchObject({ ok: true, position: { offset: 2 } });
  await until(() => values[1].getSnapshot().value?.status === "draft");
  one.disconnect();
  const updated = values[0].update({ ...draft, status: "archived" });
  await values[1].update({ ...draft, status: "approved" });
  await one.connect();
  expect(await updated).toMatchObject({ ok: false, error: { code: "conflict" } });
  expect(values[0].getSnapshot().conflict?.theirs?.status).toBe("approved");
});

it("publishes an id once, merges patches, and denies rooms", async () => {
  const server = new TestServer();
  server.events = {
    "asset:status": { room: null, origin: "server", conflate: { rule: "merge", key: ["assetId"] } },
  };
  const client = start(server);
  await client.connect();
  const data = { assetId: "a", status: "draft", previousStatus: "draft" } as const;
  const first = await client.publish("asset:status", data, { room: "global", id: "1" });
  expect(await client.publish("asset:status", data, { room: "global", id: "1" })).toEqual(first);
  const received: unknown[] = [];
  client.on("asset:status", (event) => received.push(event));
  const patch = { event: "asset:status", data: { assetId: "a", status: "review" }, room: "global" };
  expect(await client.call("publish", patch)).toMatchObject({ ok: true, offset: 2 });
  await until(() => received.length === 1);
  expect(received).toMatchObject([{ ...data, status: "review" }]);
  server.denied.set("global", "forbidden");
  await expect(client.publish("asset:status", data, { room: "global" })).rejects.toMatchObject({
    code: "forbidden",
  });
});
