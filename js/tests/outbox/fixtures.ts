import { onTestFinished, vi } from "vitest";

import type { ClientOptions, WebSocketClient } from "../../src/index.js";
import { createOutbox, type Outbox, type OutboxOptions } from "../../src/outbox.js";
import { startClient } from "../fixtures.js";
import type { ScriptedServer } from "../server.js";

export interface Tab {
  client: WebSocketClient;
  outbox: Outbox;
}

/** Opens a tab of the page, with a client that is not connected yet. */
export function openTab(
  server: ScriptedServer,
  options: OutboxOptions & { client?: ClientOptions } = {},
): Tab {
  const client = startClient(server.url, options.client);
  return { client, outbox: createOutbox(client, { name: "test", ...options }) };
}

/** Opens a tab that is connected. */
export async function openConnected(
  server: ScriptedServer,
  options: OutboxOptions = {},
): Promise<Tab> {
  const tab = openTab(server, options);
  await tab.client.connect();
  return tab;
}

/** Publishes the status of an asset. */
export function publish(outbox: Outbox, assetId: string, room = "campaign:1"): Promise<string> {
  const data = { assetId, status: "review", previousStatus: "draft" } as const;
  return outbox.publish("asset:status", data, { room });
}

/** The assets whose status is in the log of a room, in order. */
export function assetsIn(server: ScriptedServer, room = "campaign:1"): string[] {
  return server.log(room).entries.map(({ data }) => (data as { assetId: string }).assetId);
}

/** The assets of the entries in a state. */
export function assetsOf(outbox: Outbox, state: "pending" | "failed"): string[] {
  return outbox.getSnapshot()[state].map(({ data }) => (data as { assetId: string }).assetId);
}

export function isEmpty({ outbox }: Tab): boolean {
  const { pending, failed } = outbox.getSnapshot();
  return pending.length + failed.length === 0;
}

/** Replaces the clock's time, but no timers. */
export function changeTime(): (milliseconds: number) => void {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return (milliseconds) => void vi.setSystemTime(Date.now() + milliseconds);
}

export const MINUTE = 60_000;
