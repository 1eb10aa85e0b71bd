import { useMemo, useState } from "react";

import type { JobState } from "../index.js";
import { OutputTranscript } from "../terminal/outputTranscript.js";
import type { Section } from "../terminal/transcript.js";
import { type StickToEnd, useStickToEnd } from "./useStickToEnd.js";
import { VisibilityObserver } from "./visibility.js";

/** A job's output for display, and the state of its scrolling. */
export interface JobOutputView extends StickToEnd {
  /** The text to render, for `OutputSections`. */
  readonly sections: readonly Section[];
  /** The number of lines. */
  readonly lines: number;
  /** Whether the beginning of the output was dropped. */
  readonly isTruncated: boolean;
  /** Returns the output as plain text, for copying and saving. */
  readonly text: () => string;
  /** Which blocks are visible, for `OutputSections`. */
  readonly visibility: VisibilityObserver;
}

/** The members of a job that `useJobOutput` reads. */
export type JobWithOutput = Pick<JobState, "jobId" | "output" | "outputTruncated">;

/**
 * Returns a job's output as a terminal shows it, for a component of your own; see also `JobOutput`.
 *
 * Pass `pane` as the ref of the element that scrolls, `content` as that of its only child, and render
 * `OutputSections` inside.
 */
export function useJobOutput(job: JobWithOutput): JobOutputView {
  const { jobId, output, outputTruncated } = job;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the transcript belongs to the job
  const transcript = useMemo(() => new OutputTranscript(), [jobId]);
  const snapshot = useMemo(() => transcript.follow(output), [transcript, output]);
  const stick = useStickToEnd(snapshot);
  const [visibility] = useState(() => new VisibilityObserver(stick.root));
  return useMemo(
    () => ({
      ...stick,
      sections: snapshot.sections,
      lines: snapshot.lines,
      isTruncated: outputTruncated || snapshot.dropped > 0,
      text: () => transcript.text(),
      visibility,
    }),
    [stick, snapshot, outputTruncated, transcript, visibility],
  );
}
