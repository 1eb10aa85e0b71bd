import { onTestFinished, vi } from "vitest";

import {
  type ClientOptions,
  type ConnectionState,
  createClient,
  type WebSocketClient,
} from "../src/index.js";
import { type ScriptedServer, type ServerOptions, startServer } from "./server.js";

/** Delays short enough for tests. */
export const QUICK: ClientOptions = {
  reconnectionDelay: 20,
  reconnectionDelayMax: 100,
  authenticationGrace: 100,
  joinTimeout: 200,
  callTimeout: 2_000,
  notifyInterval: 10,
  linger: 20,
};

/** Creates a client that disconnects after the test. */
export function startClient(url: string, options: ClientOptions = {}): WebSocketClient {
  const client = createClient(url, { token: "ada", ...QUICK, ...options });
  onTestFinished(() => client.disconnect());
  return client;
}

export interface Pair {
  server: ScriptedServer;
  client: WebSocketClient;
}

/** Starts a server and a client that is connected to it. */
export async function startPair(
  options: ServerOptions & { client?: ClientOptions } = {},
): Promise<Pair> {
  const server = await startServer(options);
  const client = startClient(server.url, options.client);
  await client.connect();
  return { server, client };
}

/**
 * Replaces the client's timers with a clock, and returns a function that advances it. The network
 * and the server, which imports its timers, stay in real time. `until` advances the clock slowly.
 */
export function fakeClock(): (milliseconds: number) => Promise<void> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  return async (milliseconds) => {
    await vi.advanceTimersByTimeAsync(milliseconds);
  };
}

/** Returns a progress event of a job. */
export function progress(jobId: string, percent: number, currentStep = "step"): object {
  return { jobId, progress: percent, currentStep, timestamp: percent };
}

/** Returns an output event of a job. */
export function output(jobId: string, chunk: string, type?: string): object {
  return { jobId, chunk, isComplete: false, timestamp: 1, ...(type && { type }) };
}

/** Records every state from now on. */
export function statesOf(client: {
  onStateChange(l: (s: ConnectionState) => void): () => void;
}): string[] {
  const states: string[] = [];
  client.onStateChange((state) => states.push(state));
  return states;
}
