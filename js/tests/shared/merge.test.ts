import { expect, it, onTestFinished, vi } from "vitest";

import { until } from "../server.js";
import { openDocument, ROOM, startDocumentServer } from "./fixtures.js";

it("publishes a patch without a condition, and shows the merged value", async () => {
  const server = await startDocumentServer();
  server.publish(ROOM, "doc:changed", { id: "d", title: "A", note: "x" });
  const { value } = await openDocument(server);
  const updated = value.update({ title: "B", note: null });
  expect(value.getSnapshot().value).toEqual({ id: "d", title: "B" });
  expect(await updated).toMatchObject({ ok: true, position: { offset: 2 } });
  expect(value.getSnapshot()).toMatchObject({ value: { id: "d", title: "B" }, pending: false });
  expect(server.of("publish")).toEqual([
    [
      {
        event: "doc:changed",
        room: ROOM,
        id: expect.any(String) as string,
        data: { id: "d", title: "B", note: null },
      },
    ],
  ]);
  expect(server.log(ROOM).entries.at(-1)?.data).toEqual({ id: "d", title: "B" });
});

it("keeps the fields of both writers, and the last one of the same field", async () => {
  const server = await startDocumentServer();
  const [one, two] = [await openDocument(server), await openDocument(server)];
  one.client.disconnect();
  const updates = [one.value.update({ title: "mine" }), one.value.update({ note: "mine" })];
  await two.value.update({ title: "theirs", body: "theirs" });
  await one.client.connect();
  expect(await Promise.all(updates)).toMatchObject([{ ok: true }, { ok: true }]);
  const merged = { id: "d", title: "mine", note: "mine", body: "theirs" };
  for (const { value } of [one, two]) {
    await until(() => value.getSnapshot().value?.note === "mine");
    expect(value.getSnapshot()).toMatchObject({ value: merged, conflict: null });
  }
});

it("computes a patch from the current value, and again after a conflict", async () => {
  const server = await startDocumentServer();
  const [one, two] = [await openDocument(server), await openDocument(server)];
  one.client.disconnect();
  const count = (current: { count?: number } | null) => ({ count: (current?.count ?? 0) + 1 });
  const updated = one.value.update(count);
  await two.value.update({ count: 5, other: true });
  await one.client.connect();
  expect(await updated).toMatchObject({ ok: true });
  expect(one.value.getSnapshot().value).toEqual({ id: "d", count: 6, other: true });
});

it("does not send a patch again after the server may have forgotten its id", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const server = await startDocumentServer();
  server.publish(ROOM, "doc:changed", { id: "d", title: "old" });
  const { client, value } = await openDocument(server);
  server.answersPublications = false;
  const updated = value.update({ title: "mine" });
  await until(() => server.of("publish").length === 1);
  client.disconnect();
  server.answersPublications = true;
  server.publish(ROOM, "doc:changed", { id: "d", title: "theirs" });
  vi.setSystemTime(Date.now() + 300_000);
  await client.connect();
  expect(await updated).toMatchObject({ ok: false, error: { code: "unconfirmed" } });
  expect(value.getSnapshot()).toMatchObject({
    value: { title: "theirs" },
    conflict: { mine: { title: "mine" }, theirs: { title: "theirs" }, base: { title: "old" } },
  });
  expect(server.of("publish")).toHaveLength(1);
});

it("limits the updates that wait", async () => {
  const server = await startDocumentServer();
  const { client, value } = await openDocument(server);
  client.disconnect();
  for (let count = 1; count <= 1_000; count++) void value.update({ count });
  const result = await value.update({ count: 1_001 });
  expect(result).toMatchObject({ ok: false, error: { code: "outbox_full" } });
  expect(value.getSnapshot().value?.count).toBe(1_000);
});
