import type { ClientOptions, EventRule, WebSocketClient } from "../../src/index.js";
import { type SharedValue, sharedValue } from "../../src/shared.js";
import { startClient } from "../fixtures.js";
import { type ScriptedServer, startServer, until } from "../server.js";

export const ROOM = "campaign:1";

/** An event of an own contract, whose changes are patches. */
const DOCUMENT = { room: null, origin: "server", conflate: { rule: "merge", key: ["id"] } };

export const EVENTS = { "doc:changed": DOCUMENT as unknown as EventRule };

export interface Tab<V> {
  client: WebSocketClient;
  value: V;
}

/** The status of an asset, which is declared with `Latest`. */
export type Asset = ReturnType<typeof assetOf>;

/** A document, which is declared with `Merge`. */
export type Document = SharedValue;

export function assetOf(client: WebSocketClient, assetId = "a") {
  return sharedValue(client, "asset:status", ROOM, { assetId });
}

/** Starts a server that knows the event `doc:changed`. */
export function startDocumentServer(): Promise<ScriptedServer> {
  return startServer({ events: EVENTS });
}

/** Opens a tab that shows the status of an asset. */
export async function openAsset(
  server: ScriptedServer,
  options: ClientOptions = {},
): Promise<Tab<Asset>> {
  const client = startClient(server.url, options);
  const value = assetOf(client);
  await load(client, value);
  return { client, value };
}

/** Opens a tab that shows a document. */
export async function openDocument(server: ScriptedServer): Promise<Tab<Document>> {
  const client = startClient(server.url, { events: EVENTS });
  // The types of this event are not registered.
  const value = sharedValue(client, "doc:changed" as "asset:status", ROOM, {
    id: "d",
  } as unknown as { assetId: string }) as unknown as Document;
  await load(client, value);
  return { client, value };
}

async function load(
  client: WebSocketClient,
  value: {
    subscribe: (listener: () => void) => () => void;
    getSnapshot: () => { isLoaded: boolean };
  },
): Promise<void> {
  value.subscribe(() => undefined);
  await client.connect();
  await until(() => value.getSnapshot().isLoaded);
}

/** A status to update an asset to. */
export function status(next: "draft" | "review" | "approved" | "archived" | "published") {
  return { status: next, previousStatus: "draft" } as const;
}

/** Waits until a tab is connected again, with its room live. */
export function untilLive({ client }: { client: WebSocketClient }): Promise<void> {
  return until(() => client.isConnected() && client.room(ROOM).getSnapshot().status === "live");
}
