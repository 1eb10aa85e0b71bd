// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { JobFailure, ResultDetails } from "../../src/jobs/JobOutcome";
import { endedJob } from "../support/job";

afterEach(cleanup);

it("shows why a job failed, its code, and whether to retry", () => {
  const job = endedJob("failed", { error: "no disk", errorCode: "worker_lost", retryable: true });
  render(<JobFailure job={job} />);
  const text = screen.getByRole("region", { name: "Error" }).textContent;
  expect(text).toBe("no diskworker_lostRunning it again may help.");
});

it("shows the last line of a traceback, and the whole one in a pane", () => {
  const error = 'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no disk';
  render(<JobFailure job={endedJob("failed", { error })} />);
  expect(screen.getByText("ValueError: no disk")).toBeTruthy();
  expect(screen.getByRole("region", { name: "Full error" }).textContent).toBe(error);
});

it("shows a text for a failure without a message", () => {
  render(<JobFailure job={endedJob("failed")} />);
  expect(screen.getByText("The job failed without an error message.")).toBeTruthy();
});

it("shows metrics as a table with a name", () => {
  render(<ResultDetails result={{ metrics: { totalWords: 268_114, note: "x" } }} />);
  expect(screen.getByRole("table", { name: "Metrics" })).toBeTruthy();
  expect(screen.getByRole("rowheader", { name: "Total words" }).nextSibling?.textContent).toBe(
    "268,114",
  );
});

it("links artifacts, except to unsafe URLs", () => {
  const artifacts = [
    { type: "report", url: "https://x.org/report", name: "report.html" },
    { type: "script", url: "javascript:alert(1)", name: "trap" },
  ];
  render(<ResultDetails result={{ artifacts }} />);
  expect(screen.getAllByRole("link").map((link) => link.textContent)).toEqual(["report.html"]);
  expect(screen.getByText("trap")).toBeTruthy();
});
