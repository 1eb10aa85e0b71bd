/** Uses an application's own contract, without a cast. Compiled by test_own_contract.py. */

import { createClient, type Payload, type Position, type WebSocketClient } from "longwire";
import {
  LongwireProvider,
  useAgent,
  useBudget,
  useClient,
  useEvent,
  useJob,
  useLatest,
  useLatestByKey,
  useOutbox,
  useShared,
  useWebSocket,
} from "longwire/react";
import { TestServer } from "longwire/testing";
import type { ReactElement } from "react";

import {
  type ClientToServerEvents,
  CONTRACT_FINGERPRINT,
  EVENTS,
  type ServerToClientEvents,
  type ShelfDescribedEvent,
  type StockChangedEvent,
} from "./contract.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2
  ? true
  : false;

/** Fails to compile unless the value has exactly the type `T`. */
function exactly<T>() {
  return <U,>(value: U, ...proof: Equal<T, U> extends true ? [] : ["another type"]): void => {
    void [value, proof];
  };
}

export const client = createClient("https://shop.example", {
  contract: CONTRACT_FINGERPRINT,
  events: EVENTS,
});

export async function useOfTheClient(): Promise<void> {
  client.on("stock:changed", (event) => exactly<StockChangedEvent>()(event));
  client.on("job:progress", ({ progress }) => exactly<number>()(progress));
  // @ts-expect-error no such event
  client.on("stock:changd", () => undefined);
  // @ts-expect-error no such field
  client.on("stock:changed", ({ amount }) => amount);
  const { left } = await client.call("stock:reserve", { productId: "tea" });
  exactly<number>()(left);
  // @ts-expect-error no such field
  await client.call("stock:reserve", { product: "tea" });
  // @ts-expect-error only the server sends it
  client.emit("stock:changed", { shop: "1", productId: "tea", count: 1, unit: "piece" });
  const change = { shop: "1", productId: "tea", count: 1, unit: "piece" } as const;
  exactly<Position>()(await client.publish("stock:changed", change));
  // @ts-expect-error not a unit
  await client.publish("stock:changed", { ...change, unit: "box" });
}

export function Stock(): ReactElement {
  useEvent("stock:changed", (event) => exactly<StockChangedEvent>()(event));
  // @ts-expect-error no such event
  useEvent("stock:changd", () => undefined);
  // @ts-expect-error no such field
  useEvent("stock:changed", ({ amount }) => amount);
  const { subscribe, emit } = useWebSocket();
  subscribe("shop:opened", ({ isOpen }) => exactly<boolean>()(isOpen));
  // @ts-expect-error no such field
  subscribe("shop:opened", ({ open }) => open);
  emit("stock:reserve", { productId: "tea", count: 2 });
  const own = useClient();
  exactly<WebSocketClient>()(own);
  own.on("shop:opened", ({ isOpen }) => exactly<boolean>()(isOpen));
  exactly<StockChangedEvent | null>()(
    useLatest("stock:changed", "shop:1", { key: { productId: "tea" } }),
  );
  // @ts-expect-error not the key
  useLatest("stock:changed", "shop:1", { key: { shop: "1" } });
  exactly<readonly StockChangedEvent[]>()(useLatestByKey("stock:changed", "shop:1", "productId"));
  // @ts-expect-error an event without a key
  useLatestByKey("shop:opened", "shop:1", "shop");
  exactly<Payload<"budget:updated"> | null>()(useBudget().budget);
  exactly<Payload<"agent:status"> | null>()(useAgent("cmo"));
  return <p>{useJob("1").title}</p>;
}

export function Shelf(): ReactElement {
  const stock = useShared("stock:changed", "shop:1", { productId: "tea" });
  exactly<StockChangedEvent | null>()(stock.value);
  void stock.update({ shop: "1", count: 1, unit: "piece" });
  void stock.update((current) => ({ shop: "1", count: (current?.count ?? 0) + 1, unit: "piece" }));
  if (stock.conflict) void stock.update({ ...stock.conflict.mine, count: 2 });
  // @ts-expect-error an incomplete value
  void stock.update({ shop: "1", count: 1 });
  // @ts-expect-error not a field of the key
  useShared("stock:changed", "shop:1", { shop: "1" });
  // @ts-expect-error entries of this event are joined
  useShared("call:transcript", "shop:1", {});

  const shelf = useShared("shelf:described", "shop:1", { shelf: "top" });
  exactly<ShelfDescribedEvent | null>()(shelf.value);
  void shelf.update({ shop: "1", note: null });
  void shelf.update((current) => ({ shop: "1", label: `${current?.label ?? ""}!` }));
  // @ts-expect-error no such field
  void shelf.update({ shop: "1", title: "Tea" });

  const { publish, pending } = useOutbox();
  void publish("shop:opened", { shop: "1", isOpen: true });
  // @ts-expect-error no such field
  void publish("shop:opened", { shop: "1", open: true });
  return <p>{pending.length}</p>;
}

export function Page(): ReactElement {
  return (
    <LongwireProvider client={client}>
      <Stock />
    </LongwireProvider>
  );
}

/** A page that talks to another server as well names that contract where it creates the client. */
export const other = createClient<ServerToClientEvents, ClientToServerEvents>("https://other");

export function publishInATest(server: TestServer): void {
  server.publish("shop:1", "stock:changed", { shop: "1", productId: "a", count: 1, unit: "piece" });
  // @ts-expect-error no such field
  server.publish("shop:1", "stock:changed", { shop: "1", product: "a", count: 1, unit: "piece" });
}
