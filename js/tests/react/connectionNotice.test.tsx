// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, it, onTestFinished, vi } from "vitest";

import { type ClientOptions, createClient, type WebSocketClient } from "../../src/index.js";
import {
  type ConnectionNotice,
  type ConnectionNoticeOptions,
  useConnectionNotice,
} from "../../src/react/index.js";
import { TestServer } from "../../src/testing.js";
import { withClient } from "./setup.js";

beforeEach(() => {
  vi.useFakeTimers();
  return () => void vi.useRealTimers();
});

/** A connection that stays down after it is cut, until `retry`, and the notices about it. */
class Observed {
  readonly server = new TestServer();
  readonly client: WebSocketClient;
  readonly seen: ConnectionNotice[] = [];
  readonly unmount: () => void;

  constructor(options: ClientOptions = {}, notice?: ConnectionNoticeOptions) {
    vi.spyOn(Math, "random").mockReturnValue(1);
    onTestFinished(() => void vi.restoreAllMocks());
    const delays = { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 };
    this.client = createClient("http://test", { ...this.server.options, ...delays, ...options });
    onTestFinished(() => this.client.disconnect());
    const useRecord = (): void => {
      const shown = useConnectionNotice(notice);
      if (this.seen.at(-1) !== shown) this.seen.push(shown);
    };
    this.unmount = renderHook(useRecord, { wrapper: withClient(this.client) }).unmount;
  }

  async pass(milliseconds: number): Promise<void> {
    await act(() => vi.advanceTimersByTimeAsync(milliseconds));
    // React 18 runs effects at the end of `act`: run the timers that they start, too.
    await act(() => vi.advanceTimersByTimeAsync(0));
  }

  async cut(): Promise<void> {
    this.server.cut();
    await this.pass(0);
  }

  async restore(): Promise<void> {
    this.client.retry();
    await this.pass(0);
    expect(this.client.isConnected()).toBe(true);
  }
}

it("reports nothing while connecting and connected", async () => {
  const observed = new Observed();
  await observed.pass(0);
  await observed.pass(10_000);
  expect(observed.client.isConnected()).toBe(true);
  expect(observed.seen).toEqual([null]);
});

it("does not report an interruption within the grace time", async () => {
  const observed = new Observed();
  await observed.pass(0);
  await observed.cut();
  await observed.pass(1_900);
  await observed.restore();
  await observed.pass(10_000);
  expect(observed.seen).toEqual([null]);
});

it("counts the grace time from the interruption, not from the last attempt", async () => {
  let isSignedOut = false;
  const token = (): string => {
    if (isSignedOut) throw new Error("No token.");
    return "ada";
  };
  const observed = new Observed({ token });
  await observed.pass(0);
  isSignedOut = true;
  await observed.cut();
  await observed.pass(1_500);
  observed.client.retry();
  await observed.pass(499);
  expect(observed.client.connection.getSnapshot().reconnectAttempts).toBe(2);
  expect(observed.seen).toEqual([null]);
  await observed.pass(1);
  expect(observed.seen).toEqual([null, "reconnecting"]);
});

it("reports the recovery for a moment", async () => {
  const observed = new Observed({}, { grace: 1_000, restoredFor: 500 });
  await observed.pass(0);
  await observed.cut();
  await observed.pass(1_000);
  await observed.restore();
  expect(observed.seen).toEqual([null, "reconnecting", "restored"]);
  await observed.pass(499);
  expect(observed.seen.at(-1)).toBe("restored");
  await observed.pass(1);
  expect(observed.seen.at(-1)).toBeNull();
});

it("reports an interruption right after a recovery immediately", async () => {
  const observed = new Observed({}, { grace: 1_000, restoredFor: 500 });
  await observed.pass(0);
  await observed.cut();
  await observed.pass(1_000);
  await observed.restore();
  await observed.cut();
  await observed.pass(10_000);
  expect(observed.seen).toEqual([null, "reconnecting", "restored", "reconnecting"]);
});

it("reports a first connection that takes long", async () => {
  const observed = new Observed({ token: () => new Promise(() => undefined) });
  await observed.pass(2_000);
  expect(observed.seen).toEqual([null, "connecting"]);
});

it("reports an error immediately", async () => {
  const observed = new Observed({ reconnectionAttempts: 0 });
  await observed.pass(0);
  await observed.cut();
  expect(observed.seen).toEqual([null, "error"]);
});

it("leaves no timer behind", async () => {
  const observed = new Observed();
  await observed.pass(0);
  await observed.cut();
  observed.unmount();
  observed.client.disconnect();
  await observed.pass(2_000);
  expect(vi.getTimerCount()).toBe(0);
});
