import { createClient, type WebSocketClient } from "longwire";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Overview, type OverviewSnapshot } from "../../src/overview/Overview";
import { SocketServer } from "../support/SocketServer";

let server: SocketServer;
let client: WebSocketClient;
let overview: Overview;
let stop: () => void;

beforeEach(async () => {
  server = new SocketServer();
  client = createClient(await server.listen(), { linger: 0 });
  overview = new Overview(client);
  stop = overview.subscribe(() => undefined);
  await client.connect();
});

afterEach(async () => {
  stop();
  client.disconnect();
  await server.close();
});

/** Publishes, and waits for the snapshot that follows from it. */
function after(event: string, data: object): Promise<OverviewSnapshot> {
  return new Promise((resolve) => {
    const unsubscribe = overview.subscribe(() => {
      unsubscribe();
      resolve(overview.getSnapshot());
    });
    server.publish(event, { timestamp: 1, ...data });
  });
}

describe("the overview", () => {
  it("asks for the agents, and keeps the last word of each", async () => {
    expect(server.rooms).toContain("agent:seo_writer");
    await after("agent:status", { agentType: "seo_writer", status: "ready" });
    await after("agent:status", { agentType: "cmo", status: "busy" });
    const { agents } = await after("agent:status", { agentType: "seo_writer", status: "busy" });
    expect(agents.map((agent) => `${agent.agentType} ${agent.status}`)).toEqual([
      "cmo busy",
      "seo_writer busy",
    ]);
  });

  it("warns of the budget until it is below the threshold again", async () => {
    const budget = { used: 9, total: 10, breakdown: {} };
    await after("budget:updated", { ...budget, percentage: 90 });
    const warned = await after("budget:warning", { threshold: 90, message: "!", currentUsage: 9 });
    expect(warned.warning?.message).toBe("!");
    expect((await after("budget:updated", { ...budget, percentage: 95 })).warning).not.toBeNull();
    expect((await after("budget:updated", { ...budget, percentage: 10 })).warning).toBeNull();
  });

  it("lists assets, the newest first, with the status they have now", async () => {
    const asset = { title: "t", type: "blog", status: "draft", updatedAt: 0 };
    await after("asset:created", { asset: { ...asset, id: "1", createdAt: 1 } });
    await after("asset:created", { asset: { ...asset, id: "2", createdAt: 2 } });
    const changed = { assetId: "1", status: "published", previousStatus: "draft" };
    const { assets } = await after("asset:status", changed);
    expect(assets.map(({ id, status }) => `${id} ${status}`)).toEqual(["2 draft", "1 published"]);
  });

  it("keeps the newest announcements, each once", async () => {
    for (const timestamp of [1, 2, 3]) {
      await after("announcement", { message: `${timestamp}`, level: "info", timestamp });
    }
    server.publish("announcement", { message: "3", level: "info", timestamp: 3 });
    const { announcements } = await after("announcement", { message: "4", level: "info", timestamp: 4 });
    expect(announcements.map(({ message }) => message)).toEqual(["4", "3", "2"]);
  });
});
