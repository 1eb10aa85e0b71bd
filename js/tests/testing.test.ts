import { expect, it, onTestFinished } from "vitest";

import { type ClientOptions, createClient, type WebSocketClient } from "../src/index.js";
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
