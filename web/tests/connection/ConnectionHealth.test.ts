import type { ConnectionSnapshot, ConnectionState } from "longwire";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ConnectionHealth, type Health } from "../../src/connection/ConnectionHealth";
import { Settable } from "../support/readable";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function snapshot(state: ConnectionState): ConnectionSnapshot {
  return {
    state,
    isConnected: state === "connected",
    error: null,
    reconnectAttempts: 0,
    nextRetryAt: null,
    latencyMs: null,
    userId: null,
    otherContract: null,
    connectedAt: null,
    disconnectedAt: null,
  };
}

class Watch {
  readonly connection = new Settable(snapshot("disconnected"));
  readonly health = new ConnectionHealth(this.connection);
  readonly seen: Health[] = [];
  readonly stop = this.health.subscribe(() => this.seen.push(this.health.getSnapshot()));

  go(...states: ConnectionState[]): void {
    for (const state of states) this.connection.set(snapshot(state));
  }
}

it("is connecting, then live", () => {
  const watch = new Watch();
  expect(watch.health.getSnapshot()).toBe("connecting");
  watch.go("connecting", "connected");
  expect(watch.seen).toEqual(["live"]);
});

it("says nothing of a drop that is over within the grace time", () => {
  const watch = new Watch();
  watch.go("connecting", "connected", "reconnecting");
  vi.advanceTimersByTime(1_900);
  watch.go("connected");
  vi.advanceTimersByTime(10_000);
  expect(watch.seen).toEqual(["live"]);
});

it("counts the grace time from the drop, not from the last attempt", () => {
  const watch = new Watch();
  watch.go("connecting", "connected", "reconnecting");
  vi.advanceTimersByTime(1_500);
  watch.go("reconnecting");
  vi.advanceTimersByTime(600);
  expect(watch.seen).toEqual(["live", "down"]);
});

it("tells of the recovery for a moment", () => {
  const watch = new Watch();
  watch.go("connecting", "connected", "reconnecting");
  vi.advanceTimersByTime(5_000);
  watch.go("connected");
  expect(watch.seen).toEqual(["live", "down", "recovered"]);
  vi.advanceTimersByTime(4_000);
  expect(watch.seen.at(-1)).toBe("live");
});

it("tells at once when the connection is lost again right after a recovery", () => {
  const watch = new Watch();
  watch.go("connecting", "connected", "reconnecting");
  vi.advanceTimersByTime(5_000);
  watch.go("connected", "reconnecting");
  expect(watch.seen.at(-1)).toBe("down");
});

it("is down when the first connection does not come", () => {
  const watch = new Watch();
  watch.go("connecting", "reconnecting");
  vi.advanceTimersByTime(2_000);
  expect(watch.seen).toEqual(["down"]);
});

it("tells of a refusal at once", () => {
  const watch = new Watch();
  watch.go("connecting", "connected", "error");
  expect(watch.seen).toEqual(["live", "refused"]);
});

it("leaves neither listener nor timer behind", () => {
  const watch = new Watch();
  watch.go("connecting", "connected", "reconnecting");
  watch.stop();
  expect(vi.getTimerCount()).toBe(0);
  expect(watch.connection.listeners).toBe(0);
});
