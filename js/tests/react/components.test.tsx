// @vitest-environment happy-dom
import { act, fireEvent, render, renderHook, screen } from "@testing-library/react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { initialJob } from "../../src/index.js";
import {
  ConnectionStatus,
  JobProgress,
  JobProgressBar,
  LiveRegion,
  LiveRegionProvider,
  LongwireProvider,
  useAnnounce,
} from "../../src/react/index.js";
import { fakeClock, startClient, startPair } from "../fixtures.js";
import { startServer, until } from "../server.js";
import { withClient } from "./setup.js";

describe("LiveRegion", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const spoken = (): string => screen.getByRole("status").textContent;

  it("has two permanent regions that start empty (E72)", () => {
    render(<LiveRegion message="hello" />);
    expect(spoken()).toBe("");
    expect(screen.getByRole("status").getAttribute("aria-live")).toBe("polite");
    expect(screen.getByRole("alert").getAttribute("aria-live")).toBe("assertive");
    act(() => void vi.runAllTimers());
    expect(spoken()).toBe("hello");
  });

  it("interrupts only for assertive messages", () => {
    render(<LiveRegion message="failed" priority="assertive" />);
    act(() => void vi.runAllTimers());
    expect(screen.getByRole("alert").textContent).toBe("failed");
    expect(spoken()).toBe("");
  });

  it("announces messages one after the other, equal ones again (E72)", () => {
    const { result } = renderHook(() => useAnnounce(), { wrapper: LiveRegionProvider });
    const announce = result.current;
    const received: string[] = [];
    act(() => {
      announce("done");
      announce("done");
      announce("next");
    });
    for (let step = 0; step < 6; step++) {
      act(() => void vi.advanceTimersToNextTimer());
      received.push(spoken());
    }
    expect(received).toEqual(["done", "", "done", "", "next", "next"]);
  });

  it("leaves no timer behind", () => {
    const { unmount } = render(<LiveRegion message="hello" />);
    unmount();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("ConnectionStatus", () => {
  const text = (): string => screen.getByRole("status").textContent;

  it("renders an empty status on a server (D65)", async () => {
    const { client } = await startPair();
    const html = renderToString(
      <LongwireProvider client={client}>
        <ConnectionStatus />
      </LongwireProvider>,
    );
    expect(html).toContain('data-state="quiet"');
    expect(html).not.toContain("alert");
  });

  it("neither connects nor disconnects (E71)", async () => {
    const pass = fakeClock();
    const { server, client } = await startPair();
    const { rerender } = render(<ConnectionStatus />, { wrapper: withClient(client) });
    rerender(<i />);
    await act(() => pass(1_000));
    expect(client.isConnected()).toBe(true);
    expect(server.connections).toBe(1);
  });

  it("does not show a short interruption (E71)", async () => {
    const pass = fakeClock();
    const { server, client } = await startPair();
    const { container } = render(<ConnectionStatus grace={3_000} />, {
      wrapper: withClient(client),
    });
    const seen: string[] = [];
    const observer = new MutationObserver(() => seen.push(text()));
    observer.observe(container, { subtree: true, childList: true, characterData: true });
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    await act(() => pass(4_000));
    observer.disconnect();
    expect(seen).toEqual([]);
  });

  it("shows a long interruption with a retry button, and the recovery (E71)", async () => {
    const { server, client } = await startPair({
      client: { reconnectionDelay: 30_000, reconnectionDelayMax: 30_000 },
    });
    render(<ConnectionStatus grace={20} restoredFor={50} />, { wrapper: withClient(client) });
    server.cut();
    await until(() => text() === "Connection lost. Reconnecting…");
    fireEvent.click(screen.getByRole("button", { name: "Try now" }));
    await until(() => text() === "Back online.");
    expect(screen.queryByRole("button")).toBeNull();
    await until(() => text() === "");
  });

  it("shows why the server rejected the client, and retries without a reload (E71)", async () => {
    const server = await startServer();
    server.refusesToken = () => ({ message: "Unknown token.", code: "token_invalid" });
    const refused = startClient(server.url);
    const { container } = render(<ConnectionStatus grace={0} labels={{ retry: "Again" }} />, {
      wrapper: withClient(refused),
    });
    await until(() => text() === "Connection refused: Unknown token.");
    expect(container.querySelector("[data-state=error]")).not.toBeNull();
    server.refusesToken = () => null;
    fireEvent.click(screen.getByRole("button", { name: "Again" }));
    await until(() => refused.isConnected());
  });

  it("offers a reload for another contract, if onReload is set", async () => {
    const { server, client } = await startPair({
      contract: "0123456789abcdef",
      client: { reconnectionDelay: 30_000, reconnectionDelayMax: 30_000 },
    });
    const onReload = vi.fn();
    const { rerender } = render(<ConnectionStatus grace={0} />, { wrapper: withClient(client) });
    expect(text()).toBe("");
    rerender(<ConnectionStatus grace={0} restoredFor={20} onReload={onReload} />);
    expect(text()).toBe("A new version is available.");
    fireEvent.click(screen.getByRole("button", { name: "Reload" }));
    expect(onReload).toHaveBeenCalledOnce();
    server.cut();
    await until(() => text() === "Connection lost. Reconnecting…");
    client.retry();
    await until(() => text() === "A new version is available.");
  });
});

describe("JobProgressBar", () => {
  it("is a native progress bar with a value text (E73)", () => {
    const job = { ...initialJob("1"), progress: 42.4, currentStep: "writing section 3" };
    render(<JobProgressBar job={job} label="Report" />);
    const bar = screen.getByRole("progressbar", { name: "Report" });
    expect(bar.tagName).toBe("PROGRESS");
    expect(bar.getAttribute("value")).toBe("42.4");
    expect(bar.getAttribute("aria-valuetext")).toBe("42%, writing section 3");
  });

  it("is indeterminate until progress is known (D58)", () => {
    render(<JobProgressBar job={initialJob("1")} label="Report" />);
    expect(screen.getByRole("progressbar").hasAttribute("value")).toBe(false);
  });
});

describe("JobProgress", () => {
  const job = {
    ...initialJob("1"),
    status: "running" as const,
    isRunning: true,
    progress: 42,
    currentStep: "writing section 3",
    estimatedCompletion: 119,
  };
  const text = (part: string): string | undefined =>
    document.querySelector(`[data-part=${part}]`)?.textContent;

  it("shows the step, the percentage and the remaining time (E73)", () => {
    const { rerender } = render(<JobProgress job={job} label="Report" />);
    expect(screen.getByRole("progressbar", { name: "Report" }).getAttribute("value")).toBe("42");
    expect([text("step"), text("percent"), text("remaining")]).toEqual([
      "writing section 3",
      "42%",
      "about 2 min left",
    ]);
    for (const [seconds, formatted] of [
      [0.4, "about 1 s left"],
      [59, "about 59 s left"],
      [3_600, "about 1 h left"],
    ] as const) {
      rerender(<JobProgress job={{ ...job, estimatedCompletion: seconds }} label="Report" />);
      expect(text("remaining")).toBe(formatted);
    }
  });

  it("shows the outcome at the end, and nothing before the job is known (D61)", () => {
    const done = { ...job, status: "failed" as const, isRunning: false, isComplete: true };
    const labels = { failed: "Gescheitert" };
    const { rerender } = render(<JobProgress job={done} label="Report" statusLabels={labels} />);
    expect([text("step"), text("remaining")]).toEqual(["Gescheitert", undefined]);
    rerender(<JobProgress job={{ ...initialJob("1"), title: "Report", isKnown: false }} />);
    expect([text("step"), text("percent"), text("remaining")]).toEqual(["", undefined, undefined]);
    expect(screen.getByRole("progressbar").hasAttribute("value")).toBe(false);
  });
});
