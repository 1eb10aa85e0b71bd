import { expect, it } from "vitest";

import { type LongwireError, PublishError } from "../src/index.js";
import { startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

const STATUS = { assetId: "a", status: "review", previousStatus: "draft" } as const;

it("resolves with the position of the event", async () => {
  const { server, client } = await startPair();
  const position = await client.publish("asset:status", STATUS, { room: "global" });
  expect(position).toEqual({ epoch: server.log("global").epoch, offset: 1 });
  expect(server.log("global").entries).toEqual([{ event: "asset:status", data: STATUS }]);
});

it("sends what the caller passed, and an id of its own for each call", async () => {
  const { server, client } = await startPair();
  const data = { ...STATUS, assetId: "before" };
  const first = client.publish("asset:status", data, { room: "global", expect: null });
  data.assetId = "after";
  await first;
  await client.publish("job:status", { jobId: "1", status: "running" }, { id: "mine" });
  const [[one], [two]] = server.of("publish") as [[{ id: string }], [{ id: string }]];
  expect(one).toMatchObject({ room: "global", expect: null, data: { assetId: "before" } });
  expect(one.id).toMatch(/^[0-9a-z]{10,40}$/);
  expect(two).toEqual({
    event: "job:status",
    data: { jobId: "1", status: "running" },
    id: "mine",
  });
});

it("waits for a connection", async () => {
  const server = await startServer();
  const client = startClient(server.url);
  const published = client.publish("asset:status", STATUS, { room: "global" });
  await client.connect();
  expect((await published).offset).toBe(1);
});

it("sends the same id again when the connection is lost before the answer", async () => {
  const { server, client } = await startPair({ client: { callTimeout: 10_000 } });
  server.answersPublications = false;
  const published = client.publish("asset:status", STATUS, { room: "global" });
  await until(() => server.of("publish").length === 1);
  server.answersPublications = true;
  server.cut();
  expect((await published).offset).toBe(1);
  const [[first], [second]] = server.of("publish") as [[object], [object]];
  expect(second).toEqual(first);
  expect(server.log("global").entries).toHaveLength(1);
});

it("rejects with the position and the value of a conflict", async () => {
  const { server, client } = await startPair();
  const position = await client.publish("asset:status", STATUS, { room: "global" });
  const later = { ...STATUS, status: "approved" } as const;
  const published = client.publish("asset:status", later, { room: "global", expect: null });
  const error = await published.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(PublishError);
  expect(error).toMatchObject({ code: "conflict", position, value: STATUS });
  expect(server.log("global").entries).toHaveLength(1);
});

it("rejects with the code of another refusal, and without a value", async () => {
  const { server, client } = await startPair();
  server.refusals.set("global", "forbidden");
  await expect(client.publish("asset:status", STATUS, { room: "global" })).rejects.toMatchObject({
    code: "forbidden",
    position: null,
    value: undefined,
  });
});

it("rejects with a timeout if the server does not answer", async () => {
  const { server, client } = await startPair({ client: { callTimeout: 50 } });
  server.answersPublications = false;
  await expect(client.publish("asset:status", STATUS)).rejects.toMatchObject({ code: "timeout" });
});

it("rejects with the reason why the client gave up", async () => {
  const server = await startServer();
  server.refusesToken = () => ({ message: "No.", code: "token_invalid" });
  const client = startClient(server.url);
  await expect(client.connect()).rejects.toMatchObject({ code: "token_invalid" });
  await expect(client.publish("asset:status", STATUS)).rejects.toMatchObject({
    code: "token_invalid",
  });
});

it("does not publish as another user", async () => {
  const { server, client } = await startPair({ client: { callTimeout: 10_000 } });
  server.answersPublications = false;
  const published = client.publish("asset:status", STATUS, { room: "global" });
  const outcome = published.catch((error: unknown) => (error as LongwireError).code);
  await until(() => server.of("publish").length === 1);
  client.setToken("grace");
  expect(await outcome).toBe("another_user");
  expect(server.of("publish")).toHaveLength(1);
});

it("throws for data that cannot be serialized", async () => {
  const { client } = await startPair();
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const result = { metrics: cyclic };
  expect(() =>
    client.publish("job:completed", { jobId: "1", result, cost: 0, duration: 0 }),
  ).toThrow(TypeError);
});
