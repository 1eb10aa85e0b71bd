import { describe, expect, it, vi } from "vitest";

import { fakeClock, startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

describe("a listener that disconnects", () => {
  it.each(["disconnect", "reconnect_attempt", "connect", "reconnect"] as const)(
    "stays disconnected when it disconnects on %s",
    async (event) => {
      const pass = fakeClock();
      const { server, client } = await startPair();
      client.on(event, () => client.disconnect());
      server.cut();
      await until(() => client.getState() === "disconnected");
      const { connections } = server;
      const changed = vi.fn();
      client.onStateChange(changed);
      await pass(60_000);
      expect(changed).not.toHaveBeenCalled();
      expect(client.connection.getSnapshot()).toMatchObject({ error: null, nextRetryAt: null });
      expect([server.connections, server.sockets]).toEqual([connections, []]);
    },
  );

  it.each(["connect_error", "reconnect_error"] as const)(
    "stays disconnected without an error when it disconnects on %s",
    async (event) => {
      const pass = fakeClock();
      const { server, client } = await startPair();
      client.on(event, () => client.disconnect());
      await server.close();
      await until(() => client.getState() === "disconnected");
      await pass(60_000);
      expect(client.connection.getSnapshot()).toMatchObject({
        state: "disconnected",
        error: null,
        nextRetryAt: null,
      });
    },
  );

  it.each(["connecting", "connected", "reconnecting"])(
    "stays disconnected when it disconnects in the state %s",
    async (when) => {
      const pass = fakeClock();
      const server = await startServer();
      const client = startClient(server.url);
      client.onStateChange((state) => {
        if (state === when) client.disconnect();
      });
      client.connect().then(
        () => server.cut(),
        () => undefined,
      );
      await until(() => client.connection.getSnapshot().disconnectedAt !== null);
      await pass(60_000);
      expect(client.getState()).toBe("disconnected");
      expect(server.sockets).toEqual([]);
    },
  );

  it("can connect again and receives the outcome", async () => {
    const { server, client } = await startPair();
    let again: Promise<void> | undefined;
    client.onStateChange((state) => {
      if (state === "disconnected") again = client.connect();
    });
    client.disconnect();
    await again;
    expect(server.connections).toBe(2);
  });
});
