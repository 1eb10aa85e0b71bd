// @vitest-environment happy-dom
/** Counts how often the page renders with many busy jobs. */
import { cleanup, render } from "@testing-library/react";
import { createClient, type JobState } from "longwire";
import { LiveRegionProvider, LongwireProvider, useJobs } from "longwire/react";
import { TestServer } from "longwire/testing";
import { Profiler, type ReactElement } from "react";
import { afterEach, expect, it } from "vitest";

import { JobRow } from "../../src/jobs/JobRow";
import { JobsPage } from "../../src/jobs/JobsPage";
import { runningJob } from "../support/job";

afterEach(cleanup);

const JOBS = 50;
const EVENTS = 20;

function startJobs(): TestServer {
  const server = new TestServer();
  for (let number = 0; number < JOBS; number++) {
    const jobId = `job-${number}`;
    server.publish("global", "job:created", { jobId, attempt: 1 });
    server.publish(`job:${jobId}`, "job:created", { jobId, attempt: 1 });
    server.publish(`job:${jobId}`, "job:status", { jobId, status: "running" });
  }
  return server;
}

function show(server: TestServer, content: ReactElement): void {
  render(
    <LiveRegionProvider>
      <LongwireProvider client={createClient("http://test", server.options)}>
        {content}
      </LongwireProvider>
    </LiveRegionProvider>,
  );
}

/** Returns the number of progress bars, or of those at a percentage. */
function bars(percent?: number): number {
  const selector = percent === undefined ? "progress" : `progress[value="${percent}"]`;
  return document.querySelectorAll(selector).length;
}

const LONG = { timeout: 10_000 };

it("renders a thousand events of fifty jobs in a few passes", { timeout: 30_000 }, async () => {
  const server = startJobs();
  let renders = 0;
  show(
    server,
    <Profiler id="jobs" onRender={() => renders++}>
      <JobsPage filter={null} />
    </Profiler>,
  );
  await expect.poll(() => bars(), LONG).toBe(JOBS);
  renders = 0;
  for (let progress = 1; progress <= EVENTS; progress++) {
    for (let number = 0; number < JOBS; number++) {
      const jobId = `job-${number}`;
      server.publish(`job:${jobId}`, "job:progress", { jobId, progress, currentStep: "on" });
    }
  }
  await expect.poll(() => bars(EVENTS), LONG).toBe(JOBS);
  expect(renders).toBeLessThanOrEqual(10);
});

it("keeps the state of a job while another one changes", async () => {
  const server = startJobs();
  const seen: (readonly JobState[])[] = [];
  function Watcher(): null {
    seen.push(useJobs().jobs);
    return null;
  }
  show(server, <Watcher />);
  await expect.poll(() => seen.at(-1)?.filter((job) => job.isRunning).length, LONG).toBe(JOBS);
  const before = seen.at(-1) ?? [];
  server.publish("job:job-7", "job:progress", { jobId: "job-7", progress: 1, currentStep: "on" });
  await expect.poll(() => seen.at(-1)?.some((job) => job.progress === 1), LONG).toBe(true);
  const changed = (seen.at(-1) ?? []).filter((job) => !before.includes(job));
  expect(changed.map((job) => job.jobId)).toEqual(["job-7"]);
});

it("does not render a row whose job is the same", () => {
  let reads = 0;
  const job = Object.defineProperty({ ...runningJob() }, "title", {
    get: () => {
      reads++;
      return "Read";
    },
  });
  const { rerender } = render(<JobRow job={job} />);
  const before = reads;
  rerender(<JobRow job={job} />);
  expect([before > 0, reads - before]).toEqual([true, 0]);
});
