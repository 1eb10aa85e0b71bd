// @vitest-environment happy-dom
import { renderHook } from "@testing-library/react";
import { expect, it } from "vitest";

import { createWebSocketStore } from "../../src/zustand.js";
import { startClient, startPair } from "../fixtures.js";
import { startServer, until } from "../server.js";

it("useWebSocketStore shows the state of its client only (E67)", async () => {
  const server = await startServer();
  const client = startClient(server.url);
  const useWebSocketStore = createWebSocketStore(client);
  expect(useWebSocketStore.getState()).toEqual({
    connectionState: "disconnected",
    connectedAt: null,
    disconnectedAt: null,
    reconnectAttempts: 0,
  });
  const before = Date.now();
  await client.connect();
  expect(useWebSocketStore.getState().connectionState).toBe("connected");
  expect(useWebSocketStore.getState().connectedAt).toBeGreaterThanOrEqual(before);
  client.disconnect();
  expect(useWebSocketStore.getState().disconnectedAt).toBeGreaterThanOrEqual(before);
});

it("useWebSocketStore counts failed attempts, and renders only for a selection", async () => {
  const { server, client } = await startPair();
  const useWebSocketStore = createWebSocketStore(client);
  const { result } = renderHook(() => useWebSocketStore((store) => store.connectionState));
  expect(result.current).toBe("connected");
  await server.close();
  await until(() => useWebSocketStore.getState().reconnectAttempts >= 2);
  expect(result.current).toBe("reconnecting");
});
