import { describe, expect, it } from "vitest";

import { createOutbox, type Outbox } from "../../src/outbox.js";
import { startBrowser } from "../browser.js";
import { startServer, until } from "../server.js";
import { assetsIn, assetsOf, isEmpty, openConnected, openTab, publish } from "./fixtures.js";

describe("users", () => {
  it("never sends an entry as another user", async () => {
    startBrowser();
    const server = await startServer();
    const first = await openConnected(server);
    first.client.disconnect();
    await publish(first.outbox, "of ada");

    const second = openTab(server, { client: { token: "grace" } });
    await second.client.connect();
    await publish(second.outbox, "of grace");
    await until(() => isEmpty(second));
    expect(assetsIn(server)).toEqual(["of grace"]);

    const third = await openConnected(server);
    await until(() => assetsIn(server).length === 2);
    await until(() => isEmpty(third));
    expect(assetsIn(server)).toEqual(["of grace", "of ada"]);
  });

  it("keeps the entries of a user while another one is signed in", async () => {
    startBrowser();
    const server = await startServer();
    server.mutedRooms.add("campaign:1");
    const { client, outbox } = await openConnected(server);
    await publish(outbox, "of ada");
    await until(() => server.of("publish").length === 1);
    client.setToken("grace");
    await until(() => client.connection.getSnapshot().userId === "grace");
    await until(() => outbox.getSnapshot().pending.length === 0);
    server.mutedRooms.clear();
    await publish(outbox, "of grace");
    await until(() => assetsIn(server).length === 1);
    expect(assetsIn(server)).toEqual(["of grace"]);
    client.setToken("ada");
    await until(() => assetsIn(server).length === 2);
  });

  it("sends nothing as the user who signs in while an entry is stored", async () => {
    startBrowser();
    const server = await startServer();
    const { client, outbox } = await openConnected(server);
    for (let turn = 0; turn < 10; turn++) {
      const user = turn % 2 ? "ada" : "grace";
      const before = String(client.connection.getSnapshot().userId);
      await publish(outbox, `${turn} of ${before}`);
      client.setToken(user);
      await until(() => client.connection.getSnapshot().userId === user && client.isConnected());
    }
    await until(() => outbox.getSnapshot().pending.length === 0);
    const owners = server.of("publish").map(([request]) => {
      const { data } = request as { data: { assetId: string } };
      return data.assetId.split(" ").at(-1);
    });
    expect(server.publishers).toEqual(owners);
  });

  it("deletes a user's entries at sign-out, in every tab", async () => {
    startBrowser();
    const server = await startServer();
    server.mutedRooms.add("campaign:1");
    const [first, second] = [await openConnected(server), await openConnected(server)];
    await publish(first.outbox, "a");
    await until(() => second.outbox.getSnapshot().pending.length === 1);
    first.client.setToken(null);
    await until(() => isEmpty(first) && isEmpty(second));
    const third = openTab(server, { user: "ada" });
    await publish(third.outbox, "b");
    expect(assetsOf(third.outbox, "pending")).toEqual(["b"]);
  });

  it("deletes a user's entries on request", async () => {
    startBrowser();
    const tab = openTab(await startServer(), { user: "ada" });
    await publish(tab.outbox, "a");
    await tab.outbox.purge();
    expect(isEmpty(tab)).toBe(true);
  });

  it("waits until it knows the user", async () => {
    startBrowser();
    const server = await startServer();
    const tab = openTab(server);
    const stored = publish(tab.outbox, "a");
    await tab.client.connect();
    await stored;
    await until(() => assetsIn(server).length === 1);
  });

  it("rejects an entry if no user signs in", async () => {
    startBrowser();
    const { outbox } = openTab(await startServer(), { client: { timeout: 20 } });
    await expect(publish(outbox, "a")).rejects.toMatchObject({ code: "disconnected" });
  });
});

describe("tabs", () => {
  it("sends from one tab what any tab has stored", async () => {
    startBrowser();
    const server = await startServer();
    const tabs = [await openConnected(server), await openConnected(server)];
    const assets = Array.from({ length: 10 }, (_, index) => `${index}`);
    for (const asset of assets) await publish(tabs[Number(asset) % 2]?.outbox as Outbox, asset);
    await until(() => tabs.every(isEmpty));
    expect(assetsIn(server)).toHaveLength(10);
    expect(new Set(assetsIn(server))).toEqual(new Set(assets));
    expect(server.of("publish")).toHaveLength(10);
  });

  it("sends from a connected tab while another one has no connection", async () => {
    startBrowser();
    const server = await startServer();
    const offline = openTab(server, { user: "ada" });
    await publish(offline.outbox, "a");
    await openConnected(server);
    await until(() => isEmpty(offline));
    expect(assetsIn(server)).toEqual(["a"]);
  });

  it("takes over from a tab that goes offline", async () => {
    startBrowser();
    const server = await startServer();
    server.mutedRooms.add("campaign:1");
    const [first, second] = [await openConnected(server), await openConnected(server)];
    await publish(first.outbox, "a");
    await until(() => server.of("publish").length === 1);
    await until(() => second.outbox.getSnapshot().pending.length === 1);
    server.mutedRooms.clear();
    first.client.disconnect();
    await until(() => isEmpty(second));
    expect(assetsIn(server)).toEqual(["a"]);
  });

  it("does not send what another tab has discarded", async () => {
    startBrowser();
    const server = await startServer();
    const [first, second] = [openTab(server, { user: "ada" }), openTab(server, { user: "ada" })];
    const id = await publish(first.outbox, "a");
    await publish(first.outbox, "b");
    await until(() => second.outbox.getSnapshot().pending.length === 2);
    await second.outbox.discard(id);
    await first.client.connect();
    await until(() => isEmpty(first) && isEmpty(second));
    expect(assetsIn(server)).toEqual(["b"]);
  });
});

describe("storage", () => {
  it("keeps entries in memory if there is no database, and says so", async () => {
    startBrowser({ hasDatabases: false });
    const server = await startServer();
    const tab = openTab(server, { user: "ada" });
    await publish(tab.outbox, "a");
    expect(tab.outbox.getSnapshot()).toMatchObject({ storage: "memory", pending: [{ tries: 0 }] });
    await tab.client.connect();
    await until(() => isEmpty(tab));
    expect(assetsIn(server)).toEqual(["a"]);
  });

  it("needs a connection if there are no Web Locks, and says so", async () => {
    startBrowser({ hasLocks: false });
    const server = await startServer();
    const tab = openTab(server, { user: "ada" });
    expect(tab.outbox.getSnapshot().storage).toBe("none");
    await expect(publish(tab.outbox, "a")).rejects.toMatchObject({ code: "disconnected" });
    await tab.client.connect();
    await publish(tab.outbox, "b");
    await until(() => isEmpty(tab));
    expect(assetsIn(server)).toEqual(["b"]);
  });

  it("sends nothing again if there are no Web Locks", async () => {
    startBrowser({ hasLocks: false });
    const server = await startServer();
    server.answersPublications = false;
    const tab = openTab(server, { client: { callTimeout: 50 } });
    await tab.client.connect();
    await publish(tab.outbox, "a");
    await until(() => tab.outbox.getSnapshot().failed.length === 1);
    expect(tab.outbox.getSnapshot().failed[0]?.failure?.code).toBe("timeout");
  });

  it("is one for each client", async () => {
    startBrowser();
    const { client, outbox } = openTab(await startServer());
    expect(createOutbox(client)).toBe(outbox);
  });
});
