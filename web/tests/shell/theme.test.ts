// @vitest-environment happy-dom
import { afterEach, expect, it } from "vitest";

import { applyTheme, chooseTheme, currentTheme, subscribeTheme } from "../../src/shell/theme";

afterEach(() => {
  localStorage.clear();
  applyTheme();
});

it("follows the system until the user chooses", () => {
  expect(currentTheme()).toBe("light");
  applyTheme();
  expect(document.documentElement.dataset["theme"]).toBeUndefined();
});

it("stores a choice, and notifies of it", () => {
  let calls = 0;
  const stop = subscribeTheme(() => calls++);
  chooseTheme("dark");
  expect([currentTheme(), document.documentElement.dataset["theme"], calls]).toEqual([
    "dark",
    "dark",
    1,
  ]);
  stop();
});

it("follows the system again when its own theme is chosen", () => {
  chooseTheme("dark");
  chooseTheme("light");
  expect(document.documentElement.dataset["theme"]).toBeUndefined();
  expect(localStorage).toHaveLength(0);
});
