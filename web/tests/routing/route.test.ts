import { expect, it } from "vitest";

import { formatRoute, parseRoute, type Route } from "../../src/routing/route";

const ROUTES: [string, Route][] = [
  ["#/jobs/42", { page: "job", jobId: "42" }],
  ["#/jobs/a%2Fb%20c%3Fd", { page: "job", jobId: "a/b c?d" }],
  ["#/jobs", { page: "jobs", status: null }],
  ["#/jobs?status=failed", { page: "jobs", status: "failed" }],
];

it.each(ROUTES)("parses and formats %s", (hash, route) => {
  expect(parseRoute(hash)).toEqual(route);
  expect(formatRoute(route)).toBe(hash);
});

it.each(["", "#", "#/", "#/nowhere", "#/jobs/", "#/jobs?status=odd", "#top"])(
  "shows the list of jobs at %s",
  (hash) => {
    expect(parseRoute(hash)).toEqual({ page: "jobs", status: null });
  },
);

it("accepts a malformed fragment", () => {
  expect(parseRoute("#/jobs/%E0%A4%A")).toEqual({ page: "job", jobId: "%E0%A4%A" });
});
