// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { createElement, type ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { expect, it, onTestFinished, vi } from "vitest";

import {
  getWebSocketClient,
  type SocketEvents,
  useJobProgress,
  useWebSocket,
  useWebSocketStore,
  WebSocketClient,
  WebSocketProvider,
} from "../../src/compat/index.js";
import { progress, QUICK } from "../fixtures.js";
import { startServer, until } from "../server.js";

/** The module as a page loads it, with a client of its own. */
async function page(url: string): Promise<typeof import("../../src/compat/index.js")> {
  vi.stubEnv("NEXT_PUBLIC_WS_URL", url);
  vi.resetModules();
  const compat = await import("../../src/compat/index.js");
  onTestFinished(() => {
    compat.getWebSocketClient().disconnect();
    vi.unstubAllEnvs();
  });
  return compat;
}

function startClient(url: string): WebSocketClient {
  const client = new WebSocketClient({ url, ...QUICK });
  onTestFinished(() => client.disconnect());
  return client;
}

it("renders on a server without a provider (I2)", () => {
  const Page = (): string => JSON.stringify([useJobProgress("1"), useWebSocket().connectionState]);
  const html = renderToString(createElement(Page)).replaceAll("&quot;", '"');
  expect(html).toContain('"status":"queued"');
  expect(html).toContain('"disconnected"');
});

it("looks like a queued job before anything is known (I3, I4)", () => {
  const { result } = renderHook(() => useJobProgress(null));
  expect(result.current).toEqual({
    status: "queued",
    progress: 0,
    currentStep: "Initializing...",
    output: [],
    result: null,
    error: null,
    cost: 0,
    duration: 0,
    estimatedCompletion: null,
    isComplete: false,
    isRunning: false,
    reset: expect.any(Function) as unknown,
  });
  result.current.output.push("output is the caller's own");
});

it("shares one client between the provider, the hooks, the store and getWebSocketClient", async () => {
  const server = await startServer();
  const compat = await page(server.url);
  const wrapper = ({ children }: { children: ReactNode }): ReactNode =>
    createElement(compat.WebSocketProvider, { token: "ada", children });
  const { result } = renderHook(
    () => [compat.useWebSocket(), compat.useJobProgress("1"), compat.useWebSocketStore()] as const,
    { wrapper },
  );
  expect(compat.getWebSocketClient()).toBe(compat.getWebSocketClient());
  await until(() => result.current[0].isConnected);
  expect(compat.getWebSocketClient().isConnected()).toBe(true);
  await until(() => result.current[2].connectionState === "connected");
  expect(result.current[2].connectedAt).toEqual(expect.any(Number));
  server.publish("job:1", "job:progress", progress("1", 42));
  await until(() => result.current[1].progress === 42);
  expect(server.connections).toBe(1);
  act(() => result.current[2].incrementReconnectAttempts());
  expect(compat.useWebSocketStore.getState().reconnectAttempts).toBe(1);
});

it("hooks without a provider use the client that getWebSocketClient connected (I1, I2)", async () => {
  const server = await startServer();
  const compat = await page(server.url);
  await compat.getWebSocketClient().connect("ada");
  const { result } = renderHook(() => [compat.useWebSocket(), compat.useJobProgress("1")] as const);
  expect(result.current[0].isConnected).toBe(true);
  server.publish("job:1", "job:progress", progress("1", 7));
  await until(() => result.current[1].progress === 7);
  const handler = vi.fn();
  const stop = result.current[0].subscribe("job:progress", handler);
  server.publish("job:1", "job:progress", progress("1", 8));
  await until(() => handler.mock.calls.length === 1);
  stop();
});

it("helpers that are generic over all events compile and work (I6)", async () => {
  const server = await startServer();
  const client = startClient(server.url);
  function listen<K extends keyof SocketEvents>(event: K, handler: SocketEvents[K]): () => void {
    return client.on(event, handler);
  }
  function send<K extends keyof SocketEvents>(
    event: K,
    ...args: Parameters<SocketEvents[K]>
  ): void {
    client.emit(event, ...args);
  }
  const percents: number[] = [];
  listen("job:progress", (data) => percents.push(data.progress));
  send("join_room", "job:1");
  await client.connect("ada");
  server.publish("job:1", "job:progress", progress("1", 5));
  await until(() => percents.length === 1);
  client.leaveRoom("job:1");
  expect(client.getState()).toBe("connected");
});

it("a refused sign-in rejects connect and emits auth_error (I9, I10)", async () => {
  const server = await startServer();
  server.refusesToken = () => ({ message: "Unknown token.", code: "token_invalid" });
  const client = startClient(server.url);
  const errors: string[] = [];
  const states: string[] = [];
  const stop = client.on("auth_error", (error) => errors.push(error));
  const stopStates = client.onStateChange((state) => states.push(state));
  await expect(client.connect("ada")).rejects.toThrow("Unknown token.");
  expect(errors).toEqual(["Unknown token."]);
  expect(states).toEqual(["connecting", "error"]);
  stop();
  stopStates();
  await expect(client.connect("grace")).rejects.toThrow("Unknown token.");
  expect(errors).toHaveLength(1);
});

it("a server that cannot be reached rejects connect within the timeout (I9)", async () => {
  const client = new WebSocketClient({ url: "http://127.0.0.1:9", ...QUICK, timeout: 300 });
  onTestFinished(() => client.disconnect());
  await expect(client.connect("ada")).rejects.toThrow();
  expect(client.getState()).toBe("reconnecting");
});

it("has the names of the specification", () => {
  for (const name of [getWebSocketClient, WebSocketProvider, useWebSocketStore]) {
    expect(name).toBeTypeOf("function");
  }
});
