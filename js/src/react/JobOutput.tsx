import type { CSSProperties, ReactElement } from "react";

import type { JobState } from "../index.js";
import { type OutputLabels, OutputSections } from "./OutputSections.js";
import { type JobWithOutput, useJobOutput } from "./useJobOutput.js";

export interface JobOutputProps {
  /** What `useJob` gives. */
  job: JobWithOutput & Pick<JobState, "isRunning">;
  /** Its accessible name. */
  label?: string | undefined;
  className?: string | undefined;
  /** Names of the kinds of text. */
  typeLabels?: OutputLabels | undefined;
  /** The button that goes to the end. */
  latestLabel?: string | undefined;
  /** Said where the beginning is no longer there. */
  truncatedLabel?: string | undefined;
}

const FRAME: CSSProperties = { position: "relative" };

const PANE: CSSProperties = {
  maxBlockSize: "var(--longwire-output-height, 24rem)",
  overflow: "auto",
  overscrollBehavior: "contain",
  fontFamily: "var(--longwire-output-font, ui-monospace, monospace)",
  fontVariantLigatures: "none",
  tabSize: 8,
};

const MARKED: CSSProperties = { borderInlineStart: "2px solid", paddingInlineStart: "1ch" };

const KINDS = { thinking: { ...MARKED, fontStyle: "italic" }, tool_call: MARKED };

const LATEST: CSSProperties = { position: "absolute", insetBlockEnd: 8, insetInlineEnd: 24 };

/**
 * Streamed text as a terminal shows it: colours, lines written over, kinds told apart
 * (`data-type`). Follows the end until the reader scrolls away. 100,000 lines cost little.
 * Never a live region: spoken token by token it would be unusable.
 */
export function JobOutput(props: JobOutputProps): ReactElement {
  const { job, label = "Output", className } = props;
  const output = useJobOutput(job);
  const { pane, content, isFollowing, jump } = output;
  return (
    <div className={className} style={FRAME} data-longwire="job-output">
      <div
        ref={pane}
        role="log"
        aria-live="off"
        aria-busy={job.isRunning}
        aria-label={label}
        tabIndex={0}
        style={PANE}
        data-part="pane"
      >
        <div ref={content} data-part="text">
          {output.isTruncated && (
            <div data-part="truncated">
              {props.truncatedLabel ?? "Earlier output is no longer shown."}
            </div>
          )}
          <OutputSections output={output} labels={props.typeLabels} styles={KINDS} />
        </div>
      </div>
      {!isFollowing && (
        <button type="button" style={LATEST} data-part="latest" onClick={jump}>
          {props.latestLabel ?? "Jump to latest"}
        </button>
      )}
    </div>
  );
}
