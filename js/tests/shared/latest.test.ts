import { describe, expect, it } from "vitest";

import { PublishError } from "../../src/index.js";
import { sharedValue } from "../../src/shared.js";
import { startClient, startPair } from "../fixtures.js";
import { startServer, until } from "../server.js";
import { type Asset, assetOf, openAsset, ROOM, status, untilLive } from "./fixtures.js";

function statusOf(value: Asset): string | undefined {
  return value.getSnapshot().value?.status;
}

describe("reading", () => {
  it("shows the newest value of the key, and that there is none", async () => {
    const server = await startServer();
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("draft") });
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("review") });
    server.publish(ROOM, "asset:status", { assetId: "b", ...status("archived") });
    const { client, value } = await openAsset(server);
    const { epoch } = server.log(ROOM);
    expect(value.getSnapshot()).toEqual({
      value: { assetId: "a", ...status("review") },
      position: { epoch, offset: 2 },
      pending: false,
      conflict: null,
      error: null,
      isLoaded: true,
    });
    const other = assetOf(client, "c");
    other.subscribe(() => undefined);
    expect(other.getSnapshot()).toMatchObject({ value: null, position: null, isLoaded: true });
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("approved") });
    await until(() => statusOf(value) === "approved");
  });

  it("reads a room that was joined before, without calling handlers again", async () => {
    const { server, client } = await startPair();
    const handled: unknown[] = [];
    client.on("asset:status", (data) => handled.push(data));
    client.joinRoom(ROOM);
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("review") });
    await until(() => handled.length === 1);
    const value = assetOf(client);
    value.subscribe(() => undefined);
    await until(() => statusOf(value) === "review");
    await until(() => value.getSnapshot().isLoaded);
    expect(handled).toHaveLength(1);
  });

  it("keeps the value while a room's log is read again, and drops it if it is gone", async () => {
    const server = await startServer();
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("review") });
    const { client, value } = await openAsset(server);
    const seen: (string | undefined)[] = [];
    value.subscribe(() => seen.push(statusOf(value)));
    client.replayRoom(ROOM);
    await until(() => value.getSnapshot().isLoaded && seen.length > 0);
    expect(new Set(seen)).toEqual(new Set(["review"]));
    server.resetLog(ROOM);
    await until(() => value.getSnapshot().value === null);
    expect(value.getSnapshot().isLoaded).toBe(true);
  });

  it("reports a denied room, and rejects updates", async () => {
    const server = await startServer();
    server.refusals.set(ROOM, "forbidden");
    const client = startClient(server.url);
    const value = assetOf(client);
    value.subscribe(() => undefined);
    await client.connect();
    await until(() => value.getSnapshot().error);
    expect(value.getSnapshot()).toMatchObject({ error: { code: "forbidden" }, isLoaded: false });
    const result = await value.update(status("review"));
    expect(result).toMatchObject({ ok: false, error: { code: "forbidden" } });
  });

  it("refuses an event whose entries do not replace each other", async () => {
    const client = startClient((await startServer()).url);
    const name = "announcement" as "asset:status";
    expect(() => sharedValue(client, name, "global", { assetId: "a" })).toThrow(
      "announcement is not declared with Latest or Merge",
    );
  });

  it("joins the room while it is used", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    await client.connect();
    const value = assetOf(client);
    const stops = [value.subscribe(() => undefined), value.subscribe(() => undefined)];
    await until(() => client.room(ROOM).getSnapshot().status === "live");
    for (const stop of stops) stop();
    await until(() => client.room(ROOM).getSnapshot().status === null);
    await until(() => server.of("leave_room").length > 0);
    expect(server.of("join_room")).toHaveLength(1);
    value.subscribe(() => undefined);
    await until(() => value.getSnapshot().isLoaded);
  });
});

describe("updating", () => {
  it("shows an update at once, and its position when it is confirmed", async () => {
    const server = await startServer();
    const { value } = await openAsset(server);
    const updated = value.update(status("review"));
    expect(value.getSnapshot()).toMatchObject({
      value: { assetId: "a", status: "review" },
      position: null,
      pending: true,
    });
    const position = { epoch: server.log(ROOM).epoch, offset: 1 };
    expect(await updated).toEqual({ ok: true, position });
    expect(value.getSnapshot()).toMatchObject({ position, pending: false });
    expect(server.of("publish")).toMatchObject([
      [{ room: ROOM, expect: null, data: { assetId: "a", ...status("review") } }],
    ]);
  });

  it("never shows an older value between the answer and the event", async () => {
    const server = await startServer();
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("draft") });
    const { value } = await openAsset(server);
    const seen: (string | undefined)[] = [];
    value.subscribe(() => seen.push(statusOf(value)));
    await value.update(status("review"));
    await value.update(status("approved"));
    await until(() => server.log(ROOM).entries.length === 3);
    expect(seen.filter((each, index) => each !== seen[index - 1])).toEqual(["review", "approved"]);
  });

  it("leaves out the old time of a value that was copied", async () => {
    const server = await startServer();
    const old = { assetId: "a", ...status("draft"), timestamp: 5 };
    server.publish(ROOM, "asset:status", old);
    const { value } = await openAsset(server);
    await value.update({ ...old, status: "review" });
    expect(server.of("publish")[0]).toMatchObject([
      { data: { assetId: "a", ...status("review") } },
    ]);
    expect(server.of("publish")[0]?.[0]).not.toHaveProperty("data.timestamp");
    await value.update({ ...status("approved"), timestamp: 7 });
    expect(server.of("publish")[1]).toMatchObject([{ data: { timestamp: 7 } }]);
  });

  it("publishes updates one after the other, each from the result of the one before", async () => {
    const server = await startServer();
    const { value } = await openAsset(server);
    const results = [
      value.update(status("review")),
      value.update((current) => ({
        ...status("approved"),
        previousStatus: current?.status ?? "draft",
      })),
      value.update(status("published")),
    ];
    expect(statusOf(value)).toBe("published");
    expect(await Promise.all(results)).toMatchObject([
      { position: { offset: 1 } },
      { position: { offset: 2 } },
      { position: { offset: 3 } },
    ]);
    const sent = server.log(ROOM).entries.map(({ data }) => data);
    expect(sent).toMatchObject([
      { status: "review" },
      { status: "approved", previousStatus: "review" },
      { status: "published" },
    ]);
  });

  it("publishes the last of several values that were set offline", async () => {
    const server = await startServer();
    const { client, value } = await openAsset(server);
    client.disconnect();
    const results = [value.update(status("review")), value.update(status("approved"))];
    expect(value.getSnapshot()).toMatchObject({ value: { status: "approved" }, pending: true });
    await client.connect();
    expect(await Promise.all(results)).toMatchObject([{ ok: true }, { ok: true }]);
    expect(server.log(ROOM).entries).toHaveLength(1);
  });

  it("sends an update whose answer was lost again with the same id", async () => {
    const server = await startServer();
    const { value } = await openAsset(server);
    server.answersPublications = false;
    const updated = value.update(status("review"));
    await until(() => server.of("publish").length === 1);
    server.answersPublications = true;
    server.cut();
    expect(await updated).toMatchObject({ ok: true });
    const [[first], [second]] = server.of("publish") as [[object], [object]];
    expect(second).toEqual(first);
    expect(server.log(ROOM).entries).toHaveLength(1);
  });

  it("publishes an update although no component shows the value any more", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    const value = assetOf(client);
    const stop = value.subscribe(() => undefined);
    const updated = value.update(status("review"));
    stop();
    await client.connect();
    expect(await updated).toMatchObject({ ok: true });
    await until(() => client.room(ROOM).getSnapshot().status === null);
  });

  it("takes a refused update back and reports why", async () => {
    const server = await startServer();
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("draft") });
    const { value } = await openAsset(server);
    server.refusals.set(ROOM, "invalid_event");
    const result = await value.update(status("review"));
    expect(result).toMatchObject({ ok: false, error: { code: "invalid_event" } });
    expect(value.getSnapshot()).toMatchObject({
      value: { status: "draft" },
      pending: false,
      conflict: null,
      error: { code: "invalid_event" },
    });
    value.dismiss();
    expect(value.getSnapshot().error).toBeNull();
  });

  it("tries again while the server cannot reach its log", async () => {
    const server = await startServer();
    const { value } = await openAsset(server);
    server.refusals.set(ROOM, "broker_unavailable");
    const updated = value.update(status("review"));
    await until(() => server.of("publish").length >= 2);
    server.refusals.clear();
    expect(await updated).toMatchObject({ ok: true });
  });

  it("reports an exception of the function", async () => {
    const { value } = await openAsset(await startServer());
    const result = await value.update(() => {
      throw new Error("not today");
    });
    expect(result).toMatchObject({ ok: false, error: { code: "invalid_event" } });
    expect(value.getSnapshot()).toMatchObject({ value: null, pending: false });
  });

  it("discards the updates of a user who is replaced by another one", async () => {
    const server = await startServer();
    const { client, value } = await openAsset(server);
    server.answersPublications = false;
    const updated = value.update(status("review"));
    await until(() => server.of("publish").length === 1);
    client.setToken("grace");
    expect(await updated).toMatchObject({ ok: false, error: { code: "another_user" } });
    await untilLive({ client });
    expect(value.getSnapshot()).toMatchObject({ value: null, pending: false, error: null });
    expect(server.of("publish")).toHaveLength(1);
  });
});

describe("conflicts", () => {
  it("reports mine, theirs and the base, and shows theirs", async () => {
    const server = await startServer();
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("draft") });
    const [one, two] = [await openAsset(server), await openAsset(server)];
    one.client.disconnect();
    const updated = one.value.update(status("archived"));
    await two.value.update(status("approved"));
    expect(one.value.getSnapshot()).toMatchObject({ value: { status: "archived" }, pending: true });
    await one.client.connect();

    const result = await updated;
    expect(result).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(!result.ok && result.error).toBeInstanceOf(PublishError);
    expect(one.value.getSnapshot()).toMatchObject({
      value: { status: "approved" },
      position: { offset: 2 },
      pending: false,
      conflict: {
        mine: { assetId: "a", status: "archived" },
        theirs: { status: "approved" },
        base: { status: "draft" },
      },
    });
    expect(server.log(ROOM).entries).toHaveLength(2);

    expect(await one.value.update(status("archived"))).toMatchObject({ ok: true });
    expect(one.value.getSnapshot()).toMatchObject({
      value: { status: "archived" },
      conflict: null,
    });
    await until(() => statusOf(two.value) === "archived");
  });

  it("survives a function that throws after a conflict", async () => {
    const server = await startServer();
    const [one, two] = [await openAsset(server), await openAsset(server)];
    one.client.disconnect();
    const first = one.value.update(status("archived"));
    const second = one.value.update((current) => {
      if (current) throw new Error("not today");
      return status("draft");
    });
    await two.value.update(status("approved"));
    await one.client.connect();
    expect(await Promise.all([first, second])).toMatchObject([{ ok: false }, { ok: false }]);
    expect(one.value.getSnapshot()).toMatchObject({
      value: { status: "approved" },
      conflict: { mine: { status: "archived" } },
    });
    expect(await one.value.update(status("published"))).toMatchObject({ ok: true });
  });

  it("computes a function again from the new value", async () => {
    const server = await startServer();
    const [one, two] = [await openAsset(server), await openAsset(server)];
    one.client.disconnect();
    const updated = one.value.update((current) => ({
      status: "published",
      previousStatus: current?.status ?? "draft",
    }));
    await two.value.update(status("approved"));
    await one.client.connect();
    expect(await updated).toMatchObject({ ok: true });
    await until(() => statusOf(two.value) === "published");
    expect(two.value.getSnapshot().value?.previousStatus).toBe("approved");
    expect(one.value.getSnapshot().conflict).toBeNull();
  });

  it("counts exactly with several writers at once", async () => {
    const server = await startServer();
    const clients = [1, 2, 3].map(() => startClient(server.url));
    const values = clients.map((client) => sharedValue(client, "budget:updated", ROOM, {}));
    for (const value of values) value.subscribe(() => undefined);
    await Promise.all(clients.map((client) => client.connect()));
    for (let round = 1; round <= 5; round++) {
      const results = values.map((value) =>
        value.update((current) => ({
          used: (current?.used ?? 0) + 1,
          total: 100,
          percentage: 0,
          breakdown: {},
        })),
      );
      expect(await Promise.all(results)).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
    }
    for (const value of values) await until(() => value.getSnapshot().value?.used === 15);
  });

  it("does not publish an update over a change that came after the one before", async () => {
    const server = await startServer();
    const { value } = await openAsset(server);
    server.answersPublications = false;
    const first = value.update(status("review"));
    await until(() => server.of("publish").length === 1);
    const second = value.update(status("approved"));
    // The first one is in the log, and another writer changes the value before the second is sent.
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("review") });
    server.publish(ROOM, "asset:status", { assetId: "a", ...status("archived") });
    server.answersPublications = true;
    server.cut();
    expect(await first).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(await second).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(value.getSnapshot()).toMatchObject({
      value: { status: "archived" },
      conflict: { mine: { status: "approved" }, theirs: { status: "archived" }, base: null },
    });
  });

  it("accepts a change that another writer made as well", async () => {
    const server = await startServer();
    const [one, two] = [await openAsset(server), await openAsset(server)];
    one.client.disconnect();
    const updated = one.value.update(status("approved"));
    await two.value.update({ ...status("approved"), timestamp: 5 });
    await one.client.connect();
    expect(await updated).toMatchObject({ ok: true, position: { offset: 1 } });
    expect(one.value.getSnapshot()).toMatchObject({ conflict: null, error: null });
  });

  it("gives up a function that is overtaken again and again", async () => {
    const server = await startServer();
    const { value } = await openAsset(server);
    let calls = 0;
    const result = await value.update(() => {
      server.publish(ROOM, "asset:status", {
        assetId: "a",
        ...status("archived"),
        timestamp: ++calls,
      });
      return status("approved");
    });
    expect(result).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(server.of("publish")).toHaveLength(6);
    expect(value.getSnapshot().conflict).toMatchObject({
      mine: { status: "approved" },
      theirs: { status: "archived" },
    });
  });

  it("keeps a conflict until it is dismissed", async () => {
    const server = await startServer();
    const [one, two] = [await openAsset(server), await openAsset(server)];
    one.client.disconnect();
    const updated = one.value.update(status("archived"));
    await two.value.update(status("approved"));
    await one.client.connect();
    await updated;
    await two.value.update(status("published"));
    await until(() => statusOf(one.value) === "published");
    expect(one.value.getSnapshot().conflict?.mine.status).toBe("archived");
    one.value.dismiss();
    expect(one.value.getSnapshot()).toMatchObject({ conflict: null, error: null });
  });
});
