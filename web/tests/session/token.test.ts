// @vitest-environment happy-dom
import { beforeEach, expect, it } from "vitest";

import { adoptToken, TokenStore, takeToken } from "../../src/session/token";

beforeEach(() => {
  sessionStorage.clear();
});

it.each([
  ["#token=abc.d-e_f.g", "abc.d-e_f.g", ""],
  ["#token=abc&to=/jobs/42", "abc", "#/jobs/42"],
  ["#token=abc&to=https://elsewhere", "abc", ""],
  ["#/jobs/42?token=abc", "abc", "#/jobs/42"],
  ["#/jobs?status=failed&token=abc", "abc", "#/jobs?status=failed"],
  ["#/jobs/42", null, "#/jobs/42"],
  ["#/jobs?status=failed", null, "#/jobs?status=failed"],
  ["#token=", null, ""],
  ["", null, ""],
])("removes the token from %s", (hash, token, rest) => {
  expect(takeToken(hash)).toEqual({ token, hash: rest });
});

it("moves a token from the address into the session", () => {
  history.replaceState(null, "", "/live/?x=1#/jobs/42?token=secret");
  const store = new TokenStore(sessionStorage);
  adoptToken(location, history, store);
  expect(location.href).not.toContain("secret");
  expect(location.pathname + location.search + location.hash).toBe("/live/?x=1#/jobs/42");
  expect(new TokenStore(sessionStorage).read()).toBe("secret");
});

it("keeps the stored token without one in the address", () => {
  const store = new TokenStore(sessionStorage);
  store.write("kept");
  history.replaceState(null, "", "/#/jobs/42");
  adoptToken(location, history, store);
  expect(store.read()).toBe("kept");
});

it("deletes a token", () => {
  const store = new TokenStore(sessionStorage);
  store.write("secret");
  store.write(null);
  expect(store.read()).toBeNull();
  expect(sessionStorage).toHaveLength(0);
});

it("works without storage", () => {
  const store = new TokenStore(null);
  store.write("secret");
  expect(store.read()).toBe("secret");
});
