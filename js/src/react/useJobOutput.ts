import { useMemo, useState } from "react";

import type { JobState } from "../index.js";
import { OutputTranscript } from "../terminal/outputTranscript.js";
import type { Section } from "../terminal/transcript.js";
import { Nearby } from "./nearby.js";
import { type StickToEnd, useStickToEnd } from "./useStickToEnd.js";

/** What is shown of a job's output, and how it scrolls. */
export interface JobOutputView extends StickToEnd {
  /** For `OutputSections`: what to draw. */
  readonly sections: readonly Section[];
  readonly lines: number;
  /** Whether the beginning is no longer there. */
  readonly isTruncated: boolean;
  /** All of it as plain text: for copying and saving. */
  readonly text: () => string;
  /** For `OutputSections`: what is in sight. */
  readonly nearby: Nearby;
}

/** The part of a job that its output is shown from. */
export type JobWithOutput = Pick<JobState, "jobId" | "output" | "outputTruncated">;

/**
 * A job's output as a terminal shows it, for a view of your own; `JobOutput` is a finished one.
 *
 * Put `pane` on what scrolls, `content` on the one element in it, and `OutputSections` into that.
 */
export function useJobOutput(job: JobWithOutput): JobOutputView {
  const { jobId, output, outputTruncated } = job;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- another job has another transcript
  const transcript = useMemo(() => new OutputTranscript(), [jobId]);
  const snapshot = useMemo(() => transcript.follow(output), [transcript, output]);
  const stick = useStickToEnd(snapshot);
  const [nearby] = useState(() => new Nearby(stick.root));
  return useMemo(
    () => ({
      ...stick,
      sections: snapshot.sections,
      lines: snapshot.lines,
      isTruncated: outputTruncated || snapshot.dropped > 0,
      text: () => transcript.text(),
      nearby,
    }),
    [stick, snapshot, outputTruncated, transcript, nearby],
  );
}
