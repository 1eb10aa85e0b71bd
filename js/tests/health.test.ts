import { describe, expect, it, onTestFinished } from "vitest";

import { type Health, type HealthOptions, watchHealth } from "../src/health.js";
import type { ClientHealth, WebSocketClient } from "../src/index.js";
import { fakeClock, startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

const INTERVAL = 25_000;

/** Watches a client until the end of the test. */
function watch(client: WebSocketClient, options?: HealthOptions): Health {
  const health = watchHealth(client, options);
  onTestFinished(health.stop);
  return health;
}

describe("the health of a connection", () => {
  it("is unknown before the first connection", async () => {
    const server = await startServer();
    const health = watch(startClient(server.url));
    expect(health.getSnapshot()).toMatchObject({
      quality: "lost",
      transport: null,
      roundTripMs: null,
      drops: 0,
      recoveredRatio: null,
    });
  });

  it("measures round trips, the server's clock and the transport", async () => {
    const { client } = await startPair();
    const health = watch(client);
    await until(() => health.getSnapshot().roundTripMs !== null);
    const snapshot = health.getSnapshot();
    expect(snapshot.transport).toBe("websocket");
    expect(snapshot.roundTripP50Ms).toBe(snapshot.roundTripMs);
    expect(snapshot.roundTripP99Ms).toBe(snapshot.roundTripMs);
    expect(snapshot.quality).not.toBe("lost");
    expect(snapshot.missedHeartbeats).toBe(0);
  });

  it("counts losses, recoveries and resumed rooms", async () => {
    const { server, client } = await startPair();
    const health = watch(client);
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    const qualities: string[] = [];
    health.subscribe(() => qualities.push(health.getSnapshot().quality));
    server.cut();
    await until(() => health.getSnapshot().reconnects === 1);
    const { drops, recoveryP50Ms, recoveryP99Ms, quality } = health.getSnapshot();
    expect({ drops, quality }).toEqual({ drops: 1, quality: "poor" });
    expect(recoveryP50Ms).toBeGreaterThan(0);
    expect(recoveryP99Ms).toBe(recoveryP50Ms);
    expect(qualities).toContain("lost");
    await until(() => health.getSnapshot().roomsResumed === 1);
    expect(health.getSnapshot().recoveredRatio).toBe(1);
  });

  it("does not count a disconnect that was asked for as a loss", async () => {
    const { client } = await startPair();
    const health = watch(client);
    client.disconnect();
    expect(health.getSnapshot().quality).toBe("lost");
    await client.connect();
    await until(() => health.getSnapshot().quality !== "lost");
    expect(health.getSnapshot()).toMatchObject({ drops: 0, reconnects: 0, recoveryP50Ms: null });
  });

  it("counts heartbeats that are not answered", async () => {
    const { server, client } = await startPair({ client: { callTimeout: 600_000 } });
    const advance = fakeClock();
    server.answersPings = false;
    const health = watch(client);
    await advance(INTERVAL);
    expect(health.getSnapshot()).toMatchObject({ missedHeartbeats: 1, quality: "fair" });
    await advance(INTERVAL);
    expect(health.getSnapshot()).toMatchObject({ missedHeartbeats: 2, quality: "poor" });
  });

  it("sends no pings to a stock server", async () => {
    const { server, client } = await startPair({ isStock: true });
    watch(client);
    expect(server.of("ping")).toEqual([]);
  });

  it("is measured once for each client, until it is stopped", async () => {
    const { client } = await startPair();
    const health = watch(client);
    expect(watchHealth(client)).toBe(health);
    health.stop();
    const other = watch(client);
    expect(other).not.toBe(health);
  });
});

describe("reports", () => {
  it("are not sent unless asked for", async () => {
    const { server, client } = await startPair();
    const health = watch(client);
    server.cut();
    await until(() => health.getSnapshot().reconnects === 1);
    await until(() => health.getSnapshot().roundTripMs !== null);
    await client.call("ping");
    expect(server.of("client:health")).toEqual([]);
  });

  it("follow a recovery, and fit", async () => {
    const { server, client } = await startPair();
    watch(client, { report: true });
    server.cut();
    await until(() => server.of("client:health").length === 1);
    const [[report]] = server.of("client:health") as [[ClientHealth]];
    expect(report).toMatchObject({
      cause: "recovered",
      client: "typescript",
      transport: "websocket",
      quality: "poor",
      drops: 1,
      reconnects: 1,
    });
    expect(JSON.stringify(report).length).toBeLessThanOrEqual(512);
  });

  it("are sent at most once a minute", async () => {
    const { server, client } = await startPair();
    const advance = fakeClock();
    const now = performance.now.bind(performance);
    let offset = 0;
    performance.now = () => now() + offset;
    onTestFinished(() => {
      performance.now = now;
    });
    const health = watch(client, { report: true });
    for (let pings = 1; pings <= 6; pings++) {
      await until(() => server.of("ping").length > pings);
      await client.call("ping");
      offset += INTERVAL;
      await advance(INTERVAL);
    }
    expect(health.getSnapshot().missedHeartbeats).toBe(0);
    expect(server.of("client:health").length).toBeLessThanOrEqual(2);
    expect(server.of("client:health").length).toBeGreaterThanOrEqual(1);
  });
});
