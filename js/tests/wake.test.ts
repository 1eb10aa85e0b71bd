// @vitest-environment happy-dom
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { progress, startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

const SLOW = { reconnectionDelay: 3_600_000, reconnectionDelayMax: 3_600_000 };

describe("waking up", () => {
  it.each(["online", "pageshow", "visibilitychange"])(
    "reconnects immediately on %s (A10)",
    async (event) => {
      const { server, client } = await startPair({ client: SLOW });
      server.cut();
      await until(() => client.getState() === "reconnecting");
      window.dispatchEvent(new Event(event));
      await until(() => client.isConnected());
    },
  );

  it("starts over after giving up", async () => {
    const { server, client } = await startPair({ client: { reconnectionAttempts: 0 } });
    server.cut();
    await until(() => client.getState() === "error");
    window.dispatchEvent(new Event("online"));
    await until(() => client.isConnected());
  });

  it("does not retry after a rejection", async () => {
    const server = await startServer();
    server.refusesToken = () => ({ message: "No.", code: "token_invalid" });
    const client = startClient(server.url);
    await expect(client.connect()).rejects.toThrow("No.");
    window.dispatchEvent(new Event("online"));
    expect(client.getState()).toBe("error");
    expect(server.auths).toHaveLength(1);
  });

  it("pings an open connection (A8)", async () => {
    const { server } = await startPair();
    await until(() => server.of("ping").length === 1);
    window.dispatchEvent(new Event("pageshow"));
    await until(() => server.of("ping").length === 2);
  });

  it("does nothing once disconnected", async () => {
    const { server, client } = await startPair();
    client.disconnect();
    window.dispatchEvent(new Event("online"));
    expect(client.getState()).toBe("disconnected");
    expect(server.connections).toBe(1);
  });
});

it("receives events while the page is hidden (E70)", async () => {
  const hidden = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  onTestFinished(() => hidden.mockRestore());
  const { server, client } = await startPair();
  const job = client.job("1");
  job.subscribe(() => undefined);
  window.dispatchEvent(new Event("visibilitychange"));
  server.publish("job:1", "job:progress", progress("1", 30));
  await until(() => job.getSnapshot().progress === 30);
});
