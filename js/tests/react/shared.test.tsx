// @vitest-environment happy-dom

import { act, renderHook, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";

import { useShared } from "../../src/react/index.js";
import { startPair } from "../fixtures.js";
import { until } from "../server.js";
import { withClient } from "./setup.js";

const ROOM = "campaign:1";
const DRAFT = { assetId: "a", status: "draft", previousStatus: "draft" } as const;

it("shows a value, changes it, and reports a conflict", async () => {
  const { server, client } = await startPair();
  server.publish(ROOM, "asset:status", DRAFT);
  // The key is another object at each render.
  const { result } = renderHook(() => useShared("asset:status", ROOM, { assetId: "a" }), {
    wrapper: withClient(client),
  });
  await waitFor(() => expect(result.current.value?.status).toBe("draft"));

  await act(() => result.current.update({ status: "review", previousStatus: "draft" }));
  expect(result.current).toMatchObject({ value: { status: "review" }, position: { offset: 2 } });

  client.disconnect();
  act(() => void result.current.update({ status: "archived", previousStatus: "review" }));
  expect(result.current).toMatchObject({ value: { status: "archived" }, pending: true });
  server.publish(ROOM, "asset:status", { ...DRAFT, status: "approved" });
  act(() => void client.connect());
  await waitFor(() => expect(result.current.conflict).not.toBeNull());
  expect(result.current).toMatchObject({
    value: { status: "approved" },
    pending: false,
    conflict: { mine: { status: "archived" }, base: { status: "review" } },
  });
  act(() => result.current.dismiss());
  expect(result.current.conflict).toBeNull();
});

it("shares updates between components, and changes the key", async () => {
  const { client } = await startPair();
  const wrapper = withClient(client);
  const first = renderHook(() => useShared("asset:status", ROOM, { assetId: "a" }), { wrapper });
  const second = renderHook(
    ({ assetId }: { assetId: string }) => useShared("asset:status", ROOM, { assetId }),
    { wrapper, initialProps: { assetId: "a" } },
  );
  await waitFor(() => expect(first.result.current.isLoaded).toBe(true));
  act(() => void first.result.current.update({ status: "review", previousStatus: "draft" }));
  expect(second.result.current.value?.status).toBe("review");
  second.rerender({ assetId: "b" });
  expect(second.result.current.value).toBeNull();
  await waitFor(() => expect(first.result.current.pending).toBe(false));
  first.unmount();
  second.unmount();
  await until(() => client.room(ROOM).getSnapshot().status === null);
});
