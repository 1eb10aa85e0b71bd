// @vitest-environment happy-dom

import { act, renderHook, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";

import { useOutbox } from "../../src/react/index.js";
import { startBrowser } from "../browser.js";
import { startPair } from "../fixtures.js";
import { withClient } from "./setup.js";

const STATUS = { assetId: "a", status: "review", previousStatus: "draft" } as const;

it("shows what waits, what failed, and acts on it", async () => {
  startBrowser();
  const { server, client } = await startPair();
  server.mutedRooms.add("campaign:1");
  const { result } = renderHook(() => useOutbox(), { wrapper: withClient(client) });

  let id = "";
  await act(async () => {
    id = await result.current.publish("asset:status", STATUS, { room: "campaign:1" });
  });
  expect(result.current).toMatchObject({ pending: [{ id, data: STATUS }], storage: "indexeddb" });
  expect(result.current.oldest).toBe(result.current.pending[0]?.createdAt);

  server.mutedRooms.clear();
  server.refusals.set("campaign:1", "forbidden");
  server.cut();
  await waitFor(() => expect(result.current.failed).toHaveLength(1));
  expect(result.current.failed).toMatchObject([{ id, failure: { code: "forbidden" } }]);

  server.refusals.clear();
  await act(() => result.current.retry(id));
  await waitFor(() => expect(result.current).toMatchObject({ pending: [], failed: [] }));
  expect(server.log("campaign:1").entries).toHaveLength(1);
});

it("shares one outbox between components", async () => {
  startBrowser();
  const { client } = await startPair();
  const wrapper = withClient(client);
  const first = renderHook(() => useOutbox(), { wrapper });
  const second = renderHook(() => useOutbox({ maxEntries: 1 }), { wrapper });
  expect(second.result.current.publish).toBe(first.result.current.publish);
});
