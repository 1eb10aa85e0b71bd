// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ApiError } from "../../src/admin/api/ApiError";
import { Poller } from "../../src/admin/api/Poller";

let visibility: DocumentVisibilityState = "visible";

beforeEach(() => {
  vi.useFakeTimers();
  visibility = "visible";
  Object.defineProperty(document, "visibilityState", {
    configurable: true,
    get: () => visibility,
  });
});
afterEach(() => vi.useRealTimers());

function show(state: DocumentVisibilityState): void {
  visibility = state;
  document.dispatchEvent(new Event("visibilitychange"));
}

/** A poller of a page that counts how often it was asked for. */
function counting(): { readonly poller: Poller<string>; readonly asked: string[] } {
  const asked: string[] = [];
  const poller = new Poller<string>((path) => {
    asked.push(path);
    return Promise.resolve(`${path} ${asked.length}`);
  });
  return { poller, asked };
}

it("asks once a second until it is stopped", async () => {
  const { poller, asked } = counting();
  const stop = poller.follow("nodes", false);
  await vi.advanceTimersByTimeAsync(2_100);
  expect(asked).toHaveLength(3);
  expect(poller.state()).toMatchObject({ data: "nodes 3", error: null, isOutdated: false });
  stop();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toHaveLength(3);
});

it("asks for nothing while the page is hidden", async () => {
  const { poller, asked } = counting();
  poller.follow("nodes", false);
  await vi.advanceTimersByTimeAsync(100);
  show("hidden");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
  show("visible");
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toHaveLength(2);
});

it("asks while paused only for an address that it does not know", async () => {
  const { poller, asked } = counting();
  let stop = poller.follow("nodes", false);
  await vi.advanceTimersByTimeAsync(100);
  stop();
  stop = poller.follow("nodes", true);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toEqual(["nodes"]);
  stop();
  stop = poller.follow("rooms", true);
  expect(poller.state()).toMatchObject({ data: "nodes 1", isOutdated: true });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toEqual(["nodes", "rooms"]);
  expect(poller.state()).toMatchObject({ data: "rooms 2", isOutdated: false });
  stop();
});

it("never has two requests at once", async () => {
  let answer: (text: string) => void = () => undefined;
  let running = 0;
  const poller = new Poller<string>(() => {
    running += 1;
    return new Promise((resolve) => {
      answer = (text) => {
        running -= 1;
        resolve(text);
      };
    });
  });
  poller.follow("nodes", false);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(running).toBe(1);
  answer("late");
  await vi.advanceTimersByTimeAsync(0);
  expect(poller.state().data).toBe("late");
});

it("keeps the last answer when the server is away, and asks less often", async () => {
  let isAway = false;
  let asked = 0;
  const poller = new Poller<string>(() => {
    asked += 1;
    return isAway
      ? Promise.reject(new ApiError("unreachable", "It cannot be reached."))
      : Promise.resolve("known");
  });
  poller.follow("nodes", false);
  await vi.advanceTimersByTimeAsync(100);
  isAway = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(poller.state().data).toBe("known");
  expect(poller.state().error?.trouble).toBe("unreachable");
  expect(asked).toBeLessThan(12);
  isAway = false;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(poller.state().error).toBeNull();
});

it("ignores the answer to an address that it no longer follows", async () => {
  const answers = new Map<string, (text: string) => void>();
  const poller = new Poller<string>((path) => new Promise((resolve) => answers.set(path, resolve)));
  const stop = poller.follow("nodes", false);
  await vi.advanceTimersByTimeAsync(0);
  stop();
  poller.follow("rooms", false);
  await vi.advanceTimersByTimeAsync(0);
  answers.get("nodes")?.("nodes");
  answers.get("rooms")?.("rooms");
  await vi.advanceTimersByTimeAsync(0);
  expect(poller.state().data).toBe("rooms");
});
