// @vitest-environment happy-dom

import { setImmediate } from "node:timers/promises";

import { render, screen } from "@testing-library/react";
import { type ReactElement } from "react";
import { expect, it, onTestFinished, vi } from "vitest";

import { Listeners } from "../../src/listeners.js";
import {
  ConnectionStatus,
  JobOutput,
  JobProgressBar,
  LiveRegion,
  Toasts,
  useAgent,
  useAssets,
  useBudget,
  useCampaign,
  useConnection,
  useEvent,
  useJob,
  useJobProgress,
  useJobs,
  useRoom,
  useToasts,
  useWebSocket,
} from "../../src/react/index.js";
import { startClient } from "../fixtures.js";
import { startServer, until } from "../server.js";
import { withClient } from "./setup.js";

const CYCLES = 1_000;

/** A loaded machine renders this much slowly. */
const TIMEOUT = 120_000;

/** Counts the callbacks that are added to any `Listeners` and not removed. */
function countListeners(): { readonly open: number } {
  const count = { open: 0 };
  const add = Reflect.get(Listeners.prototype, "add") as (listener: unknown) => () => void;
  const spy = vi.spyOn(Listeners.prototype, "add");
  spy.mockImplementation(function (this: unknown, listener) {
    const remove = add.call(this, listener);
    let isOpen = true;
    count.open++;
    return () => {
      if (isOpen) count.open--;
      isOpen = false;
      remove();
    };
  });
  onTestFinished(() => spy.mockRestore());
  return count;
}

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

function Jobs(): ReactElement {
  return <p data-testid="jobs">{useJobs().status}</p>;
}

function Page({ cycle }: { cycle: number }): ReactElement {
  useConnection();
  useWebSocket();
  useBudget();
  useAssets();
  useAgent("cmo");
  useCampaign(`${cycle % 10}`);
  useRoom(`job:${cycle % 7}`);
  useJobProgress(`${cycle % 5}`);
  useEvent("announcement", () => undefined);
  const job = useJob(`${cycle % 10}`);
  return (
    <>
      <ConnectionStatus />
      <JobProgressBar job={job} label="Job" />
      <JobOutput job={job} />
      <LiveRegion message="hello" />
      <Toasts queue={useToasts()} />
      {cycle % 100 === 50 && <Jobs />}
    </>
  );
}

it(
  "1,000 mounts and unmounts leave no listener, timer, room or connection behind (E77)",
  async () => {
    const server = await startServer({ granted: ["user:ada"] });
    const client = startClient(server.url);
    const [listeners, timers] = [countListeners(), countTimers()];
    const wakers = vi.spyOn(window, "addEventListener");
    const wrapper = withClient(client);
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const { unmount } = render(<Page cycle={cycle} />, { wrapper });
      if (cycle % 100 === 50) {
        await until(() => screen.getByTestId("jobs").textContent === "ready");
        expect(listeners.open).toBeGreaterThan(20);
      }
      unmount();
    }
    await until(() => client.getState() === "disconnected" && server.sockets.length === 0);
    await until(() => listeners.open === 0);
    // Without `until`, which has timers itself. A timer that is left behind ends in a timeout.
    while (countTimers() > timers) await setImmediate();
    for (const room of server.members.keys()) {
      if (room !== "user:ada") expect(client.room(room).getSnapshot().status).toBe(null);
    }
    for (const [, , options] of wakers.mock.calls) {
      const { signal } = (options ?? {}) as AddEventListenerOptions;
      expect(signal?.aborted ?? true).toBe(true);
    }
  },
  TIMEOUT,
);
