import { describe, expect, it } from "vitest";

import { startBrowser } from "../browser.js";
import { startServer, until } from "../server.js";
import {
  assetsIn,
  assetsOf,
  changeTime,
  isEmpty,
  MINUTE,
  openConnected,
  openTab,
  publish,
} from "./fixtures.js";

describe("sending", () => {
  it("publishes what it stored and forgets it once confirmed", async () => {
    startBrowser();
    const server = await startServer();
    const tab = await openConnected(server);
    const id = await publish(tab.outbox, "a");
    await until(() => isEmpty(tab));
    expect(server.of("publish")).toEqual([[expect.objectContaining({ id, room: "campaign:1" })]]);
    expect(assetsIn(server)).toEqual(["a"]);
    expect(tab.outbox.getSnapshot()).toMatchObject({ oldest: null, storage: "indexeddb" });
  });

  it("keeps entries over a reload, and sends them in order with their ids", async () => {
    startBrowser();
    const server = await startServer();
    const first = await openConnected(server);
    first.client.disconnect();
    const ids = [];
    for (const asset of ["a", "b", "c"]) ids.push(await publish(first.outbox, asset));
    expect(assetsOf(first.outbox, "pending")).toEqual(["a", "b", "c"]);
    expect(first.outbox.getSnapshot().oldest).toBeLessThanOrEqual(Date.now());

    const second = openTab(server, { user: "ada" });
    await until(() => second.outbox.getSnapshot().pending.length === 3);
    await second.client.connect();
    await until(() => isEmpty(second));
    expect(assetsIn(server)).toEqual(["a", "b", "c"]);
    expect(server.of("publish").map(([request]) => (request as { id: string }).id)).toEqual(ids);
  });

  it("sends an entry whose answer was lost again with the same id", async () => {
    startBrowser();
    const server = await startServer();
    const first = await openConnected(server);
    server.answersPublications = false;
    await publish(first.outbox, "a");
    await until(() => server.of("publish").length === 1);
    first.client.disconnect();
    server.answersPublications = true;

    const second = await openConnected(server);
    await until(() => server.of("publish").length === 2);
    await until(() => isEmpty(second));
    const [[one], [two]] = server.of("publish") as [[object], [object]];
    expect(two).toEqual(one);
    expect(assetsIn(server)).toEqual(["a"]);
  });

  it("does not let one room wait for another", async () => {
    startBrowser();
    const server = await startServer();
    server.mutedRooms.add("campaign:1");
    const { outbox } = await openConnected(server);
    for (const asset of ["a", "b"]) await publish(outbox, asset);
    await publish(outbox, "c", "campaign:2");
    await until(() => assetsIn(server, "campaign:2").length === 1);
    await until(() => assetsOf(outbox, "pending").join() === "a,b");
    // Only the first entry of a room is under way.
    expect(server.of("publish")).toHaveLength(2);
  });

  it("knows the room that a payload determines", async () => {
    startBrowser();
    const server = await startServer();
    const { outbox } = openTab(server, { user: "ada" });
    await outbox.publish("job:status", { jobId: "1", status: "running" });
    await outbox.publish("announcement", { message: "", level: "info" });
    await publish(outbox, "a", "campaign:1");
    const rooms = outbox.getSnapshot().pending.map(({ room }) => room);
    expect(rooms).toEqual(["job:1", "global", "campaign:1"]);
  });

  it("sends an entry again while the server cannot reach its log", async () => {
    startBrowser();
    const server = await startServer();
    server.refusals.set("campaign:1", "broker_unavailable");
    const tab = await openConnected(server);
    await publish(tab.outbox, "a");
    await until(() => server.of("publish").length >= 2);
    server.refusals.clear();
    await until(() => isEmpty(tab));
    expect(assetsIn(server)).toEqual(["a"]);
  });
});

describe("failures", () => {
  it("keeps a refused entry with its reason, and sends the others", async () => {
    startBrowser();
    const server = await startServer();
    server.refusals.set("campaign:1", "forbidden");
    const { outbox } = await openConnected(server);
    await publish(outbox, "a");
    await until(() => outbox.getSnapshot().failed.length === 1);
    server.refusals.clear();
    await publish(outbox, "b");
    await until(() => assetsIn(server).length === 1);
    expect(assetsIn(server)).toEqual(["b"]);
    const [entry] = outbox.getSnapshot().failed;
    expect(entry?.failure).toMatchObject({ code: "forbidden", message: "No: campaign:1." });
  });

  it("retries and discards failed entries", async () => {
    startBrowser();
    const server = await startServer();
    server.refusals.set("campaign:1", "forbidden");
    const tab = await openConnected(server);
    const ids = [await publish(tab.outbox, "a"), await publish(tab.outbox, "b")] as const;
    await until(() => tab.outbox.getSnapshot().failed.length === 2);
    server.refusals.clear();
    await tab.outbox.discard(ids[0]);
    await tab.outbox.retry(ids[1]);
    await until(() => isEmpty(tab));
    expect(assetsIn(server)).toEqual(["b"]);
  });

  it("reports the position and the value of a conflict", async () => {
    startBrowser();
    const server = await startServer();
    server.publish("campaign:1", "asset:status", { assetId: "a", status: "approved" });
    const { outbox } = await openConnected(server);
    const data = { assetId: "a", status: "review", previousStatus: "draft" } as const;
    await outbox.publish("asset:status", data, { room: "campaign:1", expect: null });
    await until(() => outbox.getSnapshot().failed.length === 1);
    expect(outbox.getSnapshot().failed[0]?.failure).toMatchObject({
      code: "conflict",
      position: { epoch: server.log("campaign:1").epoch, offset: 1 },
      value: { assetId: "a", status: "approved" },
    });
  });

  it("does not send an entry again after the server may have forgotten its id", async () => {
    startBrowser();
    const pass = changeTime();
    const server = await startServer();
    const first = await openConnected(server);
    server.answersPublications = false;
    const id = await publish(first.outbox, "a");
    await until(() => server.of("publish").length === 1);
    first.client.disconnect();
    server.answersPublications = true;
    await publish(first.outbox, "b");

    pass(5 * MINUTE);
    const second = await openConnected(server);
    await until(() => assetsIn(server).length === 1);
    expect(assetsIn(server)).toEqual(["b"]);
    expect(second.outbox.getSnapshot().failed).toMatchObject([
      { id, failure: { code: "unconfirmed" } },
    ]);

    await second.outbox.retry(id);
    await until(() => isEmpty(second));
    expect(assetsIn(server)).toEqual(["b", "a"]);
  });

  it("treats the time since a sending as unknown if the clock was set back", async () => {
    startBrowser();
    const pass = changeTime();
    const server = await startServer();
    const first = await openConnected(server);
    server.answersPublications = false;
    await publish(first.outbox, "a");
    await until(() => server.of("publish").length === 1);
    first.client.disconnect();
    pass(-MINUTE);
    const { outbox } = await openConnected(server);
    await until(() => outbox.getSnapshot().failed.length === 1);
    expect(outbox.getSnapshot().failed[0]?.failure?.code).toBe("unconfirmed");
    expect(server.of("publish")).toHaveLength(1);
  });

  it("gives up entries that waited too long", async () => {
    startBrowser();
    const pass = changeTime();
    const server = await startServer();
    const { client, outbox } = openTab(server, { user: "ada", maxAge: MINUTE });
    await publish(outbox, "a");
    pass(2 * MINUTE);
    await publish(outbox, "b");
    await client.connect();
    await until(() => assetsIn(server).length === 1);
    expect(assetsIn(server)).toEqual(["b"]);
    expect(outbox.getSnapshot().failed[0]?.failure?.code).toBe("expired");
  });
});

describe("bounds", () => {
  it("rejects an entry beyond the largest number", async () => {
    startBrowser();
    const { outbox } = openTab(await startServer(), { user: "ada", maxEntries: 2 });
    const results = await Promise.allSettled(
      ["a", "b", "c"].map((asset) => publish(outbox, asset)),
    );
    expect(results).toMatchObject([
      { status: "fulfilled" },
      { status: "fulfilled" },
      { status: "rejected", reason: { code: "outbox_full" } },
    ]);
    expect(assetsOf(outbox, "pending")).toEqual(["a", "b"]);
  });

  it("rejects an entry beyond the largest size", async () => {
    startBrowser();
    const { outbox } = openTab(await startServer(), { user: "ada", maxBytes: 200 });
    await publish(outbox, "a");
    await expect(publish(outbox, "b".repeat(200))).rejects.toMatchObject({ code: "outbox_full" });
    await publish(outbox, "c");
    expect(assetsOf(outbox, "pending")).toEqual(["a", "c"]);
  });

  it("rejects data that cannot be serialized", async () => {
    startBrowser();
    const { outbox } = openTab(await startServer(), { user: "ada" });
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const data = { jobId: "1", result: { metrics: cyclic }, cost: 0, duration: 0 };
    await expect(outbox.publish("job:completed", data)).rejects.toThrow(TypeError);
  });
});
