import { onTestFinished } from "vitest";

import { type ClientOptions, createClient, type WebSocketClient } from "../src/index.js";
import { type ScriptedServer, type ServerOptions, startServer } from "./server.js";

/** Quick enough for tests; everything else as by default. */
export const QUICK: ClientOptions = {
  reconnectionDelay: 20,
  reconnectionDelayMax: 100,
  authenticationGrace: 100,
  joinTimeout: 200,
  callTimeout: 2_000,
  notifyInterval: 10,
  linger: 20,
};

/** A client for one test. */
export function startClient(url: string, options: ClientOptions = {}): WebSocketClient {
  const client = createClient(url, { token: "ada", ...QUICK, ...options });
  onTestFinished(() => client.disconnect());
  return client;
}

export interface Pair {
  server: ScriptedServer;
  client: WebSocketClient;
}

/** A server and a client that is connected to it. */
export async function startPair(
  options: ServerOptions & { client?: ClientOptions } = {},
): Promise<Pair> {
  const server = await startServer(options);
  const client = startClient(server.url, options.client);
  await client.connect();
  return { server, client };
}

/** A progress event of a job. */
export function progress(jobId: string, percent: number, currentStep = "step"): object {
  return { jobId, progress: percent, currentStep, timestamp: percent };
}

/** An output event of a job. */
export function output(jobId: string, chunk: string, type?: string): object {
  return { jobId, chunk, isComplete: false, timestamp: 1, ...(type && { type }) };
}
