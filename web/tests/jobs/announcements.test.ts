import { describe, expect, it } from "vitest";

import { JobAnnouncer, ListAnnouncer } from "../../src/jobs/announcements";
import { endedJob, runningJob } from "../support/job";

describe("announcements of a job", () => {
  it("do not include the initial state", () => {
    const announcer = new JobAnnouncer();
    expect(announcer.next(runningJob({ progress: 60 }), 0)).toBeNull();
    expect(announcer.next(runningJob({ progress: 61 }), 60_000)).toBeNull();
  });

  it("include the start, the quarters and the end", () => {
    const announcer = new JobAnnouncer();
    const announced = [
      runningJob({ status: "queued", isRunning: false }),
      runningJob(),
      runningJob({ progress: 10 }),
      runningJob({ progress: 26, currentStep: "Reading" }),
      runningJob({ progress: 30 }),
      runningJob({ progress: 51 }),
      runningJob({ progress: 76 }),
      endedJob("completed", { progress: 100 }),
    ].map((job, index) => announcer.next(job, index * 10_000));
    expect(announced).toEqual([
      null,
      "Analyse started.",
      null,
      "26 percent, Reading.",
      null,
      "51 percent.",
      "76 percent.",
      "Analyse completed.",
    ]);
  });

  it("include progress at most every seven seconds, and always the end", () => {
    const announcer = new JobAnnouncer();
    announcer.next(runningJob({ progress: 0 }), 0);
    expect(announcer.next(runningJob({ progress: 26 }), 1_000)).toBe("26 percent.");
    expect(announcer.next(runningJob({ progress: 52 }), 2_000)).toBeNull();
    expect(announcer.next(runningJob({ progress: 80 }), 8_500)).toBe("80 percent.");
    expect(announcer.next(endedJob("failed", { error: "no disk" }), 8_600)).toBe(
      "Analyse failed: no disk",
    );
  });

  it("start over with another attempt", () => {
    const announcer = new JobAnnouncer();
    announcer.next(endedJob("failed"), 0);
    expect(announcer.next(runningJob({ attempt: 2 }), 1_000)).toBe("Analyse started.");
    expect(announcer.next(runningJob({ attempt: 2, progress: 30 }), 9_000)).toBe("30 percent.");
  });
});

describe("announcements of a list", () => {
  it("do not include the initial state", () => {
    const announcer = new ListAnnouncer();
    expect(announcer.next([runningJob()])).toBeNull();
    expect(announcer.next([runningJob({ progress: 50 })])).toBeNull();
  });

  it("name one job and count several", () => {
    const announcer = new ListAnnouncer();
    const ids = ["1", "2", "3"];
    announcer.next(ids.map((jobId) => runningJob({ jobId })));
    expect(
      announcer.next([
        endedJob("completed", { jobId: "1" }),
        endedJob("completed", { jobId: "2" }),
        endedJob("failed", { jobId: "3", title: null }),
        runningJob({ jobId: "4", title: "Train" }),
      ]),
    ).toBe("Train started, 2 jobs completed, 3 failed.");
  });
});
