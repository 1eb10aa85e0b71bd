import { expect, it } from "vitest";

import type { Position, WebSocketClient } from "../src/index.js";
import { progress, startPair } from "./fixtures.js";
import { until } from "./server.js";

/** Records a room's entries; a reset clears the record. */
function record(client: WebSocketClient, room: string): [unknown, Position][] {
  const entries: [unknown, Position][] = [];
  client.followRoom(room, {
    onEntry: (_, data, position) => entries.push([data, position]),
    onReset: () => (entries.length = 0),
  });
  return entries;
}

it("reports each entry with its position, also after a reconnect", async () => {
  const { server, client } = await startPair();
  const { epoch } = server.log("job:1");
  const entries = record(client, "job:1");
  const others = record(client, "job:2");
  server.publish("job:1", "job:progress", progress("1", 10));
  client.joinRoom("job:1");
  client.joinRoom("job:2");
  await until(() => entries.length === 1);
  server.cut();
  server.publish("job:1", "job:progress", progress("1", 20));
  await until(() => entries.length === 2);
  expect(entries).toEqual([
    [progress("1", 10), { epoch, offset: 1 }],
    [progress("1", 20), { epoch, offset: 2 }],
  ]);
  expect(others).toEqual([]);
});

it("replays a joined room for followers only", async () => {
  const { server, client } = await startPair();
  const handled: unknown[] = [];
  client.on("job:progress", (data) => handled.push(data));
  client.joinRoom("job:1");
  for (const percent of [1, 2]) server.publish("job:1", "job:progress", progress("1", percent));
  await until(() => handled.length === 2);

  const entries = record(client, "job:1");
  client.replayRoom("job:1");
  client.replayRoom("job:1");
  await until(() => entries.length === 2);
  server.publish("job:1", "job:progress", progress("1", 3));
  await until(() => handled.length === 3);
  expect(entries.map(([, { offset }]) => offset)).toEqual([1, 2, 3]);
  expect(handled).toEqual([1, 2, 3].map((percent) => progress("1", percent)));
  expect(client.room("job:1").getSnapshot().status).toBe("live");
});

it("replays for followers across a lost connection", async () => {
  const { server, client } = await startPair();
  const handled: unknown[] = [];
  client.on("job:progress", (data) => handled.push(data));
  client.joinRoom("job:1");
  server.publish("job:1", "job:progress", progress("1", 1));
  await until(() => handled.length === 1);
  server.cut();
  const entries = record(client, "job:1");
  client.replayRoom("job:1");
  server.publish("job:1", "job:progress", progress("1", 2));
  await until(() => entries.length === 2);
  expect(handled).toEqual([progress("1", 1), progress("1", 2)]);
});

it("follows until it is told to stop", async () => {
  const { server, client } = await startPair();
  const entries: unknown[] = [];
  const stop = client.followRoom("job:1", {
    onEntry: (_, data) => entries.push(data),
    onReset: () => undefined,
  });
  const all = record(client, "job:1");
  client.joinRoom("job:1");
  server.publish("job:1", "job:progress", progress("1", 1));
  await until(() => all.length === 1);
  stop();
  server.publish("job:1", "job:progress", progress("1", 2));
  await until(() => all.length === 2);
  expect(entries).toEqual([progress("1", 1)]);
});
