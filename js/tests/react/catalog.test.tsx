// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it } from "vitest";

import { type AgentType, type ContentAsset, initialJob, type Payload } from "../../src/index.js";
import {
  LongwireProvider,
  useAgent,
  useAssetStatus,
  useAssets,
  useBudget,
  useCampaign,
  useJob,
  useJobs,
} from "../../src/react/index.js";
import { fakeClock, type Pair, startClient } from "../fixtures.js";
import { startServer, until } from "../server.js";
import { withClient } from "./setup.js";

const budget = (percentage: number): object => ({
  used: percentage / 10,
  total: 10,
  percentage,
  breakdown: { cmo: percentage / 10 },
  timestamp: 1,
});

const metrics = (campaignId: string, clicks: number): object => ({
  campaignId,
  metrics: { impressions: 100, clicks, conversions: 1, cost: 2, roi: 0.5 },
  timestamp: 1,
});

const asset = (id: string, createdAt: number): ContentAsset => ({
  id,
  title: `Asset ${id}`,
  type: "blog",
  status: "draft",
  createdAt,
  updatedAt: createdAt,
});

async function hook<R, P>(
  callback: (props: P) => R,
  initialProps: P,
): Promise<Pair & ReturnType<typeof renderHook<R, P>>> {
  const server = await startServer({ granted: ["user:ada"] });
  const client = startClient(server.url);
  const wrapper = withClient(client);
  return { server, client, ...renderHook(callback, { initialProps, wrapper }) };
}

describe("useBudget", () => {
  it("shows the budget, and a warning until spending falls below its threshold", async () => {
    const { server, result } = await hook(() => useBudget(), null);
    expect(result.current).toEqual({ budget: null, warning: null });
    server.publish("user:ada", "budget:updated", budget(92));
    const warning = { threshold: 90, message: "Nearly spent.", currentUsage: 92, timestamp: 1 };
    server.publish("user:ada", "budget:warning", warning);
    await until(() => result.current.warning);
    expect(result.current).toEqual({ budget: budget(92), warning });
    server.publish("user:ada", "budget:updated", budget(20));
    await until(() => !result.current.warning);
    expect(result.current.budget?.percentage).toBe(20);
  });

  it("includes events from before the component mounted (D53)", async () => {
    const { server, client, result, rerender } = await hook(
      (room) => useBudget(room),
      null as null | undefined,
    );
    server.publish("user:ada", "budget:updated", budget(42));
    await until(() => client.isConnected());
    await client.call("echo" as never, ...([1] as never));
    expect(result.current).toEqual({ budget: null, warning: null });
    rerender(undefined);
    await until(() => result.current.budget);
    expect(server.of("join_room")).toEqual([["user:ada"]]);
  });

  it("joins the given room while mounted", async () => {
    const { server, result, rerender } = await hook(useBudget, "user:team" as string | null);
    server.publish("user:team", "budget:updated", budget(10));
    await until(() => result.current.budget?.percentage === 10);
    rerender(null);
    await until(() => server.of("leave_room").length === 1);
  });

  it("keeps its value when the same user connects again", async () => {
    const { server, client, result } = await hook(() => useBudget(), null);
    server.publish("user:ada", "budget:updated", budget(10));
    await until(() => result.current.budget);
    act(() => client.disconnect());
    await act(() => client.connect("ada:2"));
    expect(result.current.budget).toEqual(budget(10));
  });
});

describe("the state of a user", () => {
  const title = "Ada's";
  const useAll = (): unknown => [
    useBudget(),
    useAgent("cmo"),
    useCampaign("1"),
    useAssets(),
    useJobs().jobs.map((job) => job.title),
    useJob("1", { select: (job) => [job.isKnown, job.title, job.roomError?.code] }),
  ];
  const NOTHING = [{ budget: null, warning: null }, null, null, [], [], [false, null, undefined]];

  const start = async (): Promise<Pair & { result: { current: unknown } }> => {
    const { server, client, result } = await hook(useAll, null);
    server.jobs = [{ ...initialJob("1"), title }];
    await until(() => client.isConnected());
    server.publish("user:ada", "budget:updated", budget(10));
    server.publish("user:ada", "asset:created", { asset: asset("a", 1), timestamp: 1 });
    server.publish("agent:cmo", "agent:status", { agentType: "cmo", status: "busy", timestamp: 1 });
    server.publish("campaign:1", "campaign:metrics", metrics("1", 5));
    server.publish("job:1", "job:created", { jobId: "1", attempt: 1, title, timestamp: 1 });
    const all = [/"percentage":10/, /Asset a/, /busy/, /"clicks":5/, /\["Ada's"\],\[true,"Ada's"/];
    await until(() => all.every((pattern) => pattern.test(JSON.stringify(result.current))));
    return { server, client, result };
  };

  it("is discarded on sign-out", async () => {
    const { client, result } = await start();
    act(() => client.setToken(null));
    expect(result.current).toEqual(NOTHING);
    await act(() => client.connect("ada"));
    await until(() => JSON.stringify(result.current).includes('"clicks":5'));
    await until(() => JSON.stringify(result.current).includes('"percentage":10'));
  });

  it("is not shown to the next user", async () => {
    const { server, client, result } = await start();
    server.options.granted = ["user:grace"];
    server.jobs = [];
    server.refusals.set("job:1", "forbidden");
    server.refusals.set("campaign:1", "forbidden");
    client.setToken("grace");
    await until(() => client.connection.getSnapshot().userId === "grace" && client.isConnected());
    await until(() => /forbidden/.test(JSON.stringify(result.current)));
    const busy = expect.objectContaining({ status: "busy" }) as unknown;
    const [none] = NOTHING;
    expect(result.current).toEqual([none, busy, null, [], [], [false, null, "forbidden"]]);
  });

  it("is neither sent nor fetched for the next user", async () => {
    const { server, client, result } = await start();
    client.disconnect();
    client.emit("job:cancel", { jobId: "1" });
    const held: (() => void)[] = (server.heldAnswers = []);
    await client.connect("ada:2");
    await until(() => held.length === 1);
    expect(server.of("job:cancel")).toHaveLength(1);
    client.disconnect();
    client.emit("job:cancel", { jobId: "2" });
    server.heldAnswers = null;
    server.jobs = [];
    server.options.granted = [];
    await client.connect("grace");
    held[0]?.();
    await client.fetchJobs();
    expect(server.of("job:cancel")).toHaveLength(1);
    expect(JSON.stringify(result.current)).not.toContain('["Ada\'s"]');
  });
});

it("useCampaign shows one campaign's metrics, never another's (D52)", async () => {
  const { server, client, result, rerender } = await hook(useCampaign, "1" as string | null);
  server.publish("campaign:1", "campaign:metrics", metrics("1", 5));
  server.publish("campaign:1", "campaign:metrics", metrics("1", 6));
  await until(() => result.current?.metrics.clicks === 6);
  rerender("2");
  expect(result.current).toBeNull();
  await until(() => client.room("campaign:1").getSnapshot().status === null);
  server.publish("campaign:2", "campaign:metrics", metrics("2", 7));
  await until(() => result.current?.metrics.clicks === 7);
  rerender(null);
  expect(result.current).toBeNull();
  await until(() => server.of("leave_room").length === 2);
});

it("useCampaign shares one membership, and discards its state after the last component (B32)", async () => {
  const pass = fakeClock();
  const { server, client, result, rerender } = await hook(
    (ids) => [useCampaign(ids[0]), useCampaign(ids[1])] as const,
    ["1", "1"] as [string | null, string | null],
  );
  server.publish("campaign:1", "campaign:metrics", metrics("1", 5));
  await until(() => result.current[0] && result.current[1]);
  rerender([null, "1"]);
  await act(() => pass(1_000));
  expect(result.current[1]?.metrics.clicks).toBe(5);
  expect(server.of("join_room")).toHaveLength(2);
  rerender([null, null]);
  await until(() => client.room("campaign:1").getSnapshot().status === null);
  server.refusals.set("campaign:1", "forbidden");
  rerender(["1", null]);
  await until(() => client.room("campaign:1").getSnapshot().status === "denied");
  await until(() => result.current[0] === null);
});

it("useAgent returns the status of each agent", async () => {
  const { server, result, rerender } = await hook(useAgent, "cmo" as AgentType | null);
  const busy = { agentType: "cmo", status: "busy", currentJob: "1", queueDepth: 2, timestamp: 1 };
  server.publish("agent:cmo", "agent:status", busy);
  await until(() => result.current);
  expect(result.current).toEqual(busy);
  rerender("seo_writer");
  expect(result.current).toBeNull();
  rerender(null);
  expect(result.current).toBeNull();
});

it("useAssets returns the created assets, newest first, each with its current status", async () => {
  const { server, result } = await hook(() => useAssets(), null);
  expect(result.current).toEqual([]);
  server.publish("user:ada", "asset:created", { asset: asset("a", 1), timestamp: 1 });
  server.publish("user:ada", "asset:created", { asset: asset("b", 2), timestamp: 2 });
  const approved = { assetId: "a", status: "approved", previousStatus: "draft", timestamp: 9 };
  server.publish("user:ada", "asset:status", approved);
  server.publish("user:ada", "asset:status", { ...approved, assetId: "unheard of" });
  await until(() => result.current[1]?.status === "approved");
  expect(result.current).toEqual([
    asset("b", 2),
    { ...asset("a", 1), status: "approved", updatedAt: 9 },
  ]);
});

it("useAssetStatus returns the status of an asset whose creation was not seen", async () => {
  const { server, result } = await hook(
    () => [useAssetStatus("old"), useAssetStatus(null), useAssets()] as const,
    null,
  );
  expect(result.current[0]).toBeNull();
  const approved = { assetId: "old", status: "approved", previousStatus: "draft", timestamp: 9 };
  server.publish("user:ada", "asset:status", approved);
  await until(() => result.current[0]?.status === "approved");
  expect(result.current.slice(1)).toEqual([null, []]);
});

it("the hooks show initial data until live events are as new", async () => {
  const old = asset("old", 1);
  const data = {
    budget: { ...budget(50), timestamp: 5 } as Payload<"budget:updated">,
    agent: { agentType: "cmo", status: "ready", timestamp: 5 } as const,
    campaign: { ...metrics("1", 7), timestamp: 5 } as Payload<"campaign:metrics">,
    assets: [old],
  };
  const { server, client, result } = await hook(
    () =>
      [
        useBudget(undefined, { initialData: data.budget }).budget?.percentage,
        useAgent("cmo", { initialData: data.agent })?.status,
        useCampaign("1", { initialData: data.campaign })?.metrics.clicks,
        useAssets(undefined, { initialData: data.assets }).map(({ id, status }) => [id, status]),
      ] as const,
    null,
  );
  const initial = [50, "ready", 7, [["old", "draft"]]];
  expect(result.current).toEqual(initial);
  server.publish("user:ada", "budget:updated", budget(10));
  server.publish("agent:cmo", "agent:status", { agentType: "cmo", status: "busy", timestamp: 1 });
  server.publish("campaign:1", "campaign:metrics", metrics("1", 5));
  server.publish("user:ada", "asset:created", { asset: asset("new", 2), timestamp: 2 });
  await until(() => result.current[3].length === 2);
  await until(() => client.room("campaign:1").getSnapshot().status === "live");
  expect(result.current).toEqual([
    ...initial.slice(0, 3),
    [
      ["new", "draft"],
      ["old", "draft"],
    ],
  ]);
  server.publish("user:ada", "budget:updated", { ...budget(60), timestamp: 6 });
  server.publish("agent:cmo", "agent:status", { agentType: "cmo", status: "busy", timestamp: 6 });
  server.publish("campaign:1", "campaign:metrics", { ...metrics("1", 9), timestamp: 6 });
  const approved = { assetId: "old", status: "approved", previousStatus: "draft", timestamp: 9 };
  server.publish("user:ada", "asset:status", approved);
  await until(() => result.current[2] === 9 && result.current[1] === "busy");
  await until(() => result.current[3][1]?.[1] === "approved" && result.current[0] === 60);
});

it("renders empty values on a server (D65)", () => {
  const client = startClient("http://127.0.0.1:9");
  function Everything(): string {
    return JSON.stringify([useBudget(), useAgent("cmo"), useCampaign("1"), useAssets()]);
  }
  const html = renderToString(
    createElement(LongwireProvider, { client }, createElement(Everything)),
  );
  expect(html.replaceAll("&quot;", '"')).toBe('[{"budget":null,"warning":null},null,null,[]]');
});
