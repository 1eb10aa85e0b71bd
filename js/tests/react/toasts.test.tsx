// @vitest-environment happy-dom
import { act, fireEvent, render, screen } from "@testing-library/react";
import type { ReactElement } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { BudgetMeter, ToastQueue, Toasts, useToasts } from "../../src/react/index.js";
import "./setup.js";

describe("BudgetMeter", () => {
  it.each([
    [42.4, "normal"],
    [80, "high"],
    [120, "over"],
  ])("is a native meter with a value text: %d %% (E73)", (percentage, level) => {
    const { container } = render(
      <BudgetMeter budget={{ used: percentage / 10, total: 10, percentage }} label="Budget" />,
    );
    const meter = screen.getByRole("meter", { name: "Budget" });
    const text = `${percentage / 10} of 10`;
    const percent = `${Math.round(percentage)}%`;
    expect(meter.tagName).toBe("METER");
    expect(meter.getAttribute("aria-valuetext")).toBe(`${text} (${percent})`);
    expect(container.textContent).toBe(`${text} ${percent}`);
    expect(container.querySelector(`[data-level=${level}]`)).not.toBeNull();
  });

  it("shows nothing before anything is known (D61)", () => {
    expect(render(<BudgetMeter budget={null} />).container.innerHTML).toBe("");
  });
});

describe("Toasts", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function start(): { queue: ToastQueue; unmount: () => void } {
    let queue = new ToastQueue(0);
    function App(): ReactElement {
      queue = useToasts(1_000);
      return <Toasts queue={queue} />;
    }
    const { unmount } = render(<App />);
    return { queue, unmount };
  }

  const texts = (): (string | null)[] =>
    [...document.querySelectorAll("[data-part=message]")].map((element) => element.textContent);
  const later = (ms: number): void => act(() => void vi.advanceTimersByTime(ms));

  it("announces politely from a permanent region, and does not take the focus", () => {
    const { queue } = start();
    const region = screen.getByRole("log", { name: "Notifications" });
    expect(region.getAttribute("aria-live")).toBe("polite");
    expect(region.textContent).toBe("");
    const focused = document.activeElement;
    act(() => void queue.show("Saved."));
    expect(region.contains(screen.getByText("Saved."))).toBe(true);
    expect(document.activeElement).toBe(focused);
  });

  it("disappears after its duration, except an error", () => {
    const { queue } = start();
    act(() => {
      queue.show("Saved.");
      queue.show("Not saved.", "error");
    });
    later(1_000);
    expect(texts()).toEqual(["Not saved."]);
    later(60_000);
    expect(texts()).toEqual(["Not saved."]);
  });

  it("stays while the pointer or the focus is on one", () => {
    const { queue } = start();
    act(() => void queue.show("Saved."));
    fireEvent.focus(screen.getByRole("button", { name: "Dismiss: Saved." }));
    later(5_000);
    act(() => void queue.show("Sent."));
    later(5_000);
    expect(texts()).toEqual(["Saved.", "Sent."]);
    fireEvent.blur(screen.getByRole("button", { name: "Dismiss: Saved." }));
    later(999);
    expect(texts()).toEqual(["Saved.", "Sent."]);
    later(1);
    expect(texts()).toEqual([]);
  });

  it("is dismissed by its button", () => {
    const { queue } = start();
    act(() => void queue.show("Not saved.", "error"));
    fireEvent.click(screen.getByRole("button", { name: "Dismiss: Not saved." }));
    expect(texts()).toEqual([]);
  });

  it("shows at most the newest five", () => {
    const { queue } = start();
    act(() => {
      for (let count = 1; count <= 7; count++) queue.show(`${count}`);
    });
    expect(texts()).toEqual(["3", "4", "5", "6", "7"]);
  });

  it("leaves no timer behind", () => {
    const { queue, unmount } = start();
    act(() => void queue.show("Saved."));
    unmount();
    expect(vi.getTimerCount()).toBe(0);
  });
});
