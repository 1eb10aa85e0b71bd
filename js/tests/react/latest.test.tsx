// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";

import { createClient, type Payload } from "../../src/index.js";
import { useLatest, useLatestByKey } from "../../src/react/index.js";
import { TestServer } from "../../src/testing.js";
import { QUICK } from "../fixtures.js";
import { until } from "../server.js";
import { withClient } from "./setup.js";

const status = (
  assetId: string,
  now: "draft" | "approved",
  timestamp = 1,
): Payload<"asset:status"> => ({
  assetId,
  status: now,
  previousStatus: "draft",
  timestamp,
});

function start(): {
  server: TestServer;
  wrapper: ReturnType<typeof withClient>;
  close: () => void;
} {
  const server = new TestServer("ada");
  const client = createClient("http://test", { ...QUICK, ...server.options });
  return { server, wrapper: withClient(client), close: () => client.disconnect() };
}

it("useLatest returns the last word, also if it was said before the component mounted", async () => {
  const { server, wrapper, close } = start();
  server.publish("team", "asset:status", status("a", "draft"));
  server.publish("team", "asset:status", status("b", "draft"));
  const { result, rerender } = renderHook(
    ({ room, id }: { room: string | null; id?: string }) =>
      useLatest("asset:status", room, id === undefined ? {} : { key: { assetId: id } }),
    { wrapper, initialProps: { room: "team" } as { room: string | null; id?: string } },
  );
  expect(result.current).toBeNull();
  await until(() => result.current?.assetId === "b");
  rerender({ room: "team", id: "a" });
  await until(() => result.current?.assetId === "a");
  server.publish("team", "asset:status", status("a", "approved", 2));
  await until(() => result.current?.status === "approved");
  // A component that mounts while the room is joined reads what came before.
  const later = renderHook(() => useLatest("asset:status", "team"), { wrapper });
  await until(() => later.result.current?.status === "approved");
  rerender({ room: null });
  expect(result.current).toBeNull();
  act(close);
});

it("useLatest works for an event without a merge rule", async () => {
  const { server, wrapper, close } = start();
  server.publish("global", "announcement", { message: "one", level: "info" });
  server.publish("global", "announcement", { message: "two", level: "info" });
  const { result } = renderHook(() => useLatest("announcement", "global"), { wrapper });
  await until(() => result.current?.message === "two");
  act(close);
});

it("useLatest shows initial data until an event that is as new", async () => {
  const { server, wrapper, close } = start();
  server.publish("team", "asset:status", status("a", "draft", 5));
  const fetched = status("a", "approved", 9);
  const { result } = renderHook(() => useLatest("asset:status", "team", { initialData: fetched }), {
    wrapper,
  });
  expect(result.current).toEqual(fetched);
  const live = renderHook(() => useLatest("asset:status", "team"), { wrapper });
  await until(() => live.result.current?.timestamp === 5);
  expect(result.current).toEqual(fetched);
  server.publish("team", "asset:status", status("a", "draft", 10));
  await until(() => result.current?.status === "draft");
  act(close);
});

it("useLatestByKey returns the newest event of each key, over a lost connection", async () => {
  const { server, wrapper, close } = start();
  server.publish("team", "asset:status", status("a", "draft"));
  server.publish("team", "asset:status", status("b", "draft"));
  const initialData = [status("b", "approved", 4), status("c", "draft", 1)];
  const { result } = renderHook(
    () => [
      useLatestByKey("asset:status", "team", "assetId"),
      useLatestByKey("asset:status", "team", "assetId", { initialData }),
    ],
    { wrapper },
  );
  expect(result.current[1]).toEqual(initialData);
  await until(() => result.current[0]?.length === 2);
  expect(result.current[1]?.map((value) => [value.assetId, value.status])).toEqual([
    ["b", "approved"],
    ["c", "draft"],
    ["a", "draft"],
  ]);
  act(() => server.cut());
  server.publish("team", "asset:status", status("a", "approved", 2));
  await until(() => result.current[0]?.at(-1)?.status === "approved");
  expect(result.current[0]?.map((value) => value.assetId)).toEqual(["b", "a"]);
  act(close);
});
