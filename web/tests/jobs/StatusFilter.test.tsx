// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { StatusFilter } from "../../src/jobs/StatusFilter";
import { endedJob, runningJob } from "../support/job";

afterEach(cleanup);

function choices(selected: "failed" | "queued" | null): string[] {
  const jobs = [
    runningJob(),
    endedJob("failed", { jobId: "2" }),
    endedJob("failed", { jobId: "3" }),
  ];
  render(<StatusFilter jobs={jobs} selected={selected} />);
  return screen
    .getAllByRole("link")
    .map((link) => `${link.textContent} ${link.getAttribute("href") ?? ""}`);
}

it("offers the statuses with their counts", () => {
  expect(choices(null)).toEqual([
    "All3 #/jobs",
    "Running1 #/jobs?status=running",
    "Failed2 #/jobs?status=failed",
  ]);
});

it("marks the selected status, and keeps it without jobs", () => {
  expect(choices("queued")).toContain("Queued0 #/jobs?status=queued");
  expect(screen.getByText("Queued").getAttribute("aria-current")).toBe("true");
});
