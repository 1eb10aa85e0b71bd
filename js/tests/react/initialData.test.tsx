// @vitest-environment happy-dom
import { act, render, renderHook } from "@testing-library/react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { initialJob, type JobState } from "../../src/index.js";
import { LongwireProvider, useJob, useJobs } from "../../src/react/index.js";
import { progress, startPair } from "../fixtures.js";
import { until } from "../server.js";
import { withClient } from "./setup.js";

/** A job as a server fetched it. */
const known: JobState = {
  ...initialJob("1"),
  title: "Report",
  status: "running",
  progress: 40,
  output: [{ text: "begin" }],
  updatedAt: 40,
};

describe("useJob with initial data", () => {
  it("renders it on the server, and hydrates without a difference (D64, D65)", async () => {
    const { client } = await startPair();
    const Job = (): string => {
      const job = useJob("1", { initialData: known });
      return `${job.title ?? ""} ${job.progress ?? "?"} ${job.isKnown ? "known" : "unknown"}`;
    };
    const page = (
      <LongwireProvider client={client}>
        <Job />
      </LongwireProvider>
    );
    const root = document.createElement("div");
    root.innerHTML = renderToString(page);
    expect(root.textContent).toBe("Report 40 known");

    const onRecoverableError = vi.fn();
    const hydrated = await act(() => hydrateRoot(root, page, { onRecoverableError }));
    onTestFinished(() => act(() => hydrated.unmount()));
    expect(onRecoverableError).not.toHaveBeenCalled();
    expect(root.textContent).toBe("Report 40 known");
  });

  it("does not fall behind it while the log is replayed", async () => {
    const { server, client } = await startPair();
    const seen: (number | null)[] = [];
    const { result } = renderHook(
      () => {
        const job = useJob("1", { initialData: known });
        seen.push(job.progress);
        return job;
      },
      { wrapper: withClient(client) },
    );
    server.publish("job:1", "job:progress", progress("1", 10));
    await until(() => client.job("1").getSnapshot().progress === 10);
    expect(result.current).toMatchObject({ progress: 40, title: "Report" });

    server.publish("job:1", "job:progress", progress("1", 40));
    server.publish("job:1", "job:progress", progress("1", 50));
    await until(() => result.current.progress === 50);
    expect(seen).toEqual([...seen].sort((a, b) => Number(a) - Number(b)));
  });

  it("shows the end whatever its timestamp", async () => {
    const { server, client } = await startPair();
    const { result } = renderHook(
      () => useJob("1", { initialData: { ...known, updatedAt: 1_000 } }),
      { wrapper: withClient(client) },
    );
    const end = { jobId: "1", status: "cancelled", timestamp: 5 };
    server.publish("job:1", "job:status", end);
    await until(() => result.current.status === "cancelled");
  });

  it("keeps it when the room is denied", async () => {
    const { server, client } = await startPair();
    server.refusals.set("job:1", "forbidden");
    const { result } = renderHook(() => useJob("1", { initialData: known }), {
      wrapper: withClient(client),
    });
    await until(() => result.current.roomError?.code === "forbidden");
    expect(result.current.title).toBe("Report");
  });

  it("does not show it under another id (D52)", async () => {
    const { client } = await startPair();
    const { result, rerender } = renderHook(
      (id: string | null) => useJob(id, { initialData: known }),
      { wrapper: withClient(client), initialProps: "1" as string | null },
    );
    expect(result.current.title).toBe("Report");
    for (const id of ["2", null]) {
      rerender(id);
      expect(result.current).toMatchObject({ title: null, isKnown: false });
    }
  });
});

describe("useJobs with initial data", () => {
  const Jobs = (): string =>
    useJobs({ initialData: [known] })
      .jobs.map((job) => job.title)
      .join();

  it("renders it on the server", async () => {
    const { client } = await startPair();
    const page = (
      <LongwireProvider client={client}>
        <Jobs />
      </LongwireProvider>
    );
    expect(renderToString(page)).toBe("Report");
  });

  it("shows it until the list is fetched", async () => {
    const { server, client } = await startPair();
    server.jobs = [{ ...initialJob("2"), title: "Newer" }];
    const { container } = render(<Jobs />, { wrapper: withClient(client) });
    const seen = [container.textContent];
    await until(() => {
      seen.push(container.textContent);
      return seen.at(-1) === "Newer";
    });
    expect([...new Set(seen)]).toEqual(["Report", "Newer"]);
  });

  it("keeps it when the list cannot be fetched", async () => {
    const { server, client } = await startPair();
    server.jobs = null as never;
    const { result } = renderHook(() => useJobs({ initialData: [known] }), {
      wrapper: withClient(client),
    });
    await until(() => result.current.error !== null);
    expect(result.current.jobs).toEqual([known]);
  });
});
