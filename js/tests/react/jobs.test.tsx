// @vitest-environment happy-dom
import { render, renderHook } from "@testing-library/react";
import type { ReactElement } from "react";
import { describe, expect, it, vi } from "vitest";

import { initialJob, type JobSnapshot } from "../../src/index.js";
import { useEvent, useJob, useJobProgress, useJobs, useRoom } from "../../src/react/index.js";
import { output, type Pair, progress, startPair } from "../fixtures.js";
import { until } from "../server.js";
import { withClient } from "./setup.js";

const completed = (jobId: string): object => ({
  jobId,
  result: { content: "done" },
  cost: 0.5,
  duration: 3,
  timestamp: 9,
});

async function hook<R, P>(
  callback: (props: P) => R,
  initialProps: P,
): Promise<Pair & ReturnType<typeof renderHook<R, P>>> {
  const pair = await startPair();
  return { ...pair, ...renderHook(callback, { initialProps, wrapper: withClient(pair.client) }) };
}

describe("useJobProgress", () => {
  it("has the specification's fields, null before they are known (D61)", async () => {
    const { server, result } = await hook(useJobProgress, "1" as string | null);
    expect(result.current).toEqual({
      status: null,
      progress: null,
      currentStep: null,
      output: [],
      result: null,
      error: null,
      cost: null,
      duration: null,
      estimatedCompletion: null,
      isComplete: false,
      isRunning: false,
      reset: expect.any(Function) as unknown,
    });
    server.publish("job:1", "job:status", { jobId: "1", status: "running", timestamp: 1 });
    server.publish("job:1", "job:progress", { ...progress("1", 40), estimatedCompletion: 5 });
    server.publish("job:1", "job:output", output("1", "hello"));
    await until(() => result.current.progress === 40 && result.current.output.length === 1);
    expect(result.current).toMatchObject({
      status: "running",
      currentStep: "step",
      output: ["hello"],
      estimatedCompletion: 5,
      isRunning: true,
    });
    server.publish("job:1", "job:completed", completed("1"));
    await until(() => result.current.isComplete);
    expect(result.current).toMatchObject({
      status: "completed",
      progress: 100,
      result: { content: "done" },
      cost: 0.5,
      duration: 3,
      estimatedCompletion: null,
    });
  });

  it("does not show the old job under a new id, and shows none for null (D52, D61)", async () => {
    const { server, result, rerender } = await hook(useJobProgress, "1" as string | null);
    server.publish("job:1", "job:progress", progress("1", 77, "from job 1"));
    await until(() => result.current.progress === 77);
    rerender("9");
    expect(result.current).toMatchObject({ progress: null, currentStep: null, status: null });
    rerender(null);
    expect(result.current).toMatchObject({ progress: null, status: null });
    await until(() => server.of("leave_room").length === 2);
  });

  it("works in two components at once (D45)", async () => {
    const { server, result } = await hook(
      () => [useJobProgress("1"), useJobProgress("1"), useJobProgress("2")] as const,
      null,
    );
    server.publish("job:1", "job:progress", progress("1", 12));
    server.publish("job:2", "job:progress", progress("2", 24));
    await until(() => result.current[0].progress === 12 && result.current[2].progress === 24);
    expect(result.current[1].progress).toBe(12);
    expect(server.connections).toBe(1);
    expect(server.of("join_room")).toHaveLength(2);
  });

  it("shows a job that ended before (D53)", async () => {
    const pair = await startPair();
    pair.server.publish("job:1", "job:completed", completed("1"));
    const { result } = renderHook(() => useJobProgress("1"), { wrapper: withClient(pair.client) });
    await until(() => result.current.isComplete);
    expect(result.current.progress).toBe(100);
  });

  it("shows a denied job as an error (B33)", async () => {
    const pair = await startPair();
    pair.server.refusals.set("job:1", "forbidden");
    const { result } = renderHook(() => useJobProgress("1"), { wrapper: withClient(pair.client) });
    await until(() => result.current.error === "No: job:1.");
  });

  it("continues after a lost connection (A3, D47)", async () => {
    const { server, result } = await hook(useJobProgress, "1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => result.current.progress === 1);
    server.cut();
    server.publish("job:1", "job:progress", progress("1", 2));
    await until(() => result.current.progress === 2);
  });
});

describe("useJob", () => {
  it("renders a burst of 5,000 chunks in few renders (D54)", async () => {
    const { server, client } = await startPair({ client: { notifyInterval: 50 } });
    let renders = 0;
    let text = "";
    function Output(): ReactElement {
      const job = useJob("1");
      renders++;
      text = job.output.map((chunk) => chunk.text).join("");
      return <pre>{text}</pre>;
    }
    render(<Output />, { wrapper: ({ children }) => withClient(client)({ children }) });
    await until(() => client.room("job:1").getSnapshot().status === "live");
    renders = 0;
    for (let chunk = 0; chunk < 5_000; chunk++) {
      server.publish("job:1", "job:output", output("1", `${chunk},`));
    }
    await until(() => text.endsWith("4999,"));
    // Strict mode renders everything twice.
    expect(renders / 2).toBeLessThanOrEqual(40);
  });

  it("calls onComplete once in strict mode for a job that is tracked already", async () => {
    const { server, client } = await startPair();
    server.publish("job:1", "job:completed", completed("1"));
    const other = client.job("1");
    other.subscribe(() => undefined);
    await until(() => other.getSnapshot().isComplete);
    const events = vi.fn();
    const options = { onComplete: events };
    const { result } = renderHook(() => useJob("1", options), { wrapper: withClient(client) });
    await until(() => result.current.isComplete);
    expect(events).toHaveBeenCalledTimes(1);
  });

  it("renders only when its selection changes (D62)", async () => {
    const { server, client } = await startPair();
    let renders = 0;
    function Step(): ReactElement {
      renders++;
      return <i>{useJob("1", { select: (job) => job.currentStep })}</i>;
    }
    const { container } = render(<Step />, { wrapper: withClient(client) });
    server.publish("job:1", "job:progress", progress("1", 1, "one"));
    await until(() => container.textContent === "one");
    renders = 0;
    const events = vi.fn();
    client.job("1").subscribe(events);
    server.publish("job:1", "job:progress", progress("1", 2, "one"));
    await until(() => client.job("1").getSnapshot().progress === 2);
    expect(events).toHaveBeenCalled();
    expect(renders).toBe(0);
  });

  it("keeps an equal selection the same object", async () => {
    const { server, result } = await hook(
      () => useJob("1", { select: ({ status, isRunning }) => ({ status, isRunning }) }),
      null,
    );
    const first = result.current;
    server.publish("job:1", "job:progress", progress("1", 2));
    server.publish("job:1", "job:status", { jobId: "1", status: "running", timestamp: 1 });
    await until(() => result.current.isRunning);
    expect(first).toEqual({ status: "queued", isRunning: false });
  });

  it("calls onComplete once for each end, with the handler of the last render", async () => {
    const ends: [string, JobSnapshot["status"]][] = [];
    const { server, rerender } = await hook(
      (name) => useJob("1", { onComplete: (job) => ends.push([name, job.status]) }),
      "first" as string,
    );
    rerender("second");
    server.publish("job:1", "job:completed", completed("1"));
    await until(() => ends.length === 1);
    server.publish("job:1", "job:created", { jobId: "1", attempt: 2, timestamp: 10 });
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => server.log("job:1").entries.length === 3);
    server.cut();
    await until(() => server.of("join_room").length === 2);
    expect(ends).toEqual([["second", "completed"]]);
  });

  it("tracks nothing while it is disabled", async () => {
    const { server, result, rerender } = await hook(
      (enabled) => useJob("1", { enabled }),
      false as boolean,
    );
    expect(result.current.isKnown).toBe(false);
    expect(server.of("join_room")).toEqual([]);
    rerender(true);
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => result.current.isKnown);
  });

  it("retries a denied room and a failed connection (D66)", async () => {
    const { server, client } = await startPair({ client: { reconnection: false } });
    server.refusals.set("job:1", "forbidden");
    server.publish("job:1", "job:progress", progress("1", 7));
    const { result } = renderHook(() => useJob("1"), { wrapper: withClient(client) });
    await until(() => result.current.roomError?.code === "forbidden");
    server.refusals.clear();
    result.current.retry();
    await until(() => result.current.progress === 7);
    expect(result.current.roomError).toBeNull();

    server.cut();
    await until(() => client.getState() === "error");
    server.publish("job:1", "job:progress", progress("1", 8));
    result.current.retry();
    await until(() => result.current.progress === 8);
  });

  it("cancels (D66)", async () => {
    const { server, result } = await hook(() => useJob("1"), null);
    await result.current.cancel("enough");
    expect(server.of("job:cancel")).toEqual([[{ jobId: "1", reason: "enough" }]]);
  });
});

it("useJobs lists jobs and keeps them up to date", async () => {
  const pair = await startPair();
  pair.server.jobs = [{ ...initialJob("1"), title: "First" }];
  const { result } = renderHook(() => useJobs(), { wrapper: withClient(pair.client) });
  expect(result.current).toEqual({ jobs: [], status: "loading", error: null });
  await until(() => result.current.jobs.length === 1);
  pair.server.publish("job:1", "job:progress", progress("1", 50));
  await until(() => result.current.jobs[0]?.progress === 50);
});

it("useEvent calls the handler of the last render, subscribed once (D63)", async () => {
  const received: string[] = [];
  const { server, client, rerender, unmount } = await hook(
    (name) => useEvent("announcement", ({ message }) => received.push(`${name} ${message}`)),
    "first" as string,
  );
  const on = vi.spyOn(client, "on");
  rerender("second");
  server.broadcast("announcement", { message: "hi", level: "info", timestamp: 1 });
  await until(() => received.length === 1);
  unmount();
  server.broadcast("announcement", { message: "gone", level: "info", timestamp: 1 });
  await client.call("echo" as never, ...([1] as never));
  expect(received).toEqual(["second hi"]);
  expect(on).not.toHaveBeenCalled();
});

it("useRoom joins the room while mounted, and reports a denial", async () => {
  const { server, result, rerender, unmount } = await hook(useRoom, "campaign:1" as string | null);
  await until(() => result.current.isJoined);
  server.refusals.set("campaign:2", "forbidden");
  rerender("campaign:2");
  await until(() => result.current.error?.code === "forbidden");
  rerender(null);
  expect(result.current).toEqual({ status: null, error: null, isJoined: false });
  unmount();
  await until(() => server.of("leave_room").length === 2);
});
