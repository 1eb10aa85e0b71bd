import type { CSSProperties, ReactElement, ReactNode } from "react";

import type { JobState, OutputType } from "../index.js";
import { type OutputLabels, OutputSections } from "./OutputSections.js";
import { type JobOutputView, type JobWithOutput, useJobOutput } from "./useJobOutput.js";

/** Props of `JobOutput`. */
export interface JobOutputProps {
  /** A job, such as the result of `useJob`. */
  job: JobWithOutput & Pick<JobState, "isRunning">;
  /** The accessible name. */
  label?: string | undefined;
  /** The class of the outermost element. */
  className?: string | undefined;
  /** Renders what stands above the pane, such as the number of lines or a copy button. */
  header?: ((output: JobOutputView) => ReactNode) | undefined;
  /** Names of the types of text. */
  typeLabels?: OutputLabels | undefined;
  /** Styles of the types of text, instead of the default ones. */
  typeStyles?: Partial<Record<OutputType, CSSProperties>> | undefined;
  /** The button that scrolls to the end. */
  latestLabel?: ReactNode;
  /** Shown where the beginning was dropped. */
  truncatedLabel?: string | undefined;
  /** Shown while there is no output. */
  emptyLabel?: string | undefined;
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

const STYLES = { thinking: { ...MARKED, fontStyle: "italic" }, tool_call: MARKED };

const LATEST: CSSProperties = { position: "absolute", insetBlockEnd: 8, insetInlineEnd: 24 };

/**
 * A job's streamed text as a terminal shows it: colors, overwritten lines, and types of text
 * (`data-type`). Follows the end until the user scrolls up; renders 100,000 lines cheaply. The pane
 * is not a live region: a screen reader would read every token.
 */
export function JobOutput(props: JobOutputProps): ReactElement {
  const { job, label = "Output", className } = props;
  const output = useJobOutput(job);
  const { pane, content, isFollowing, jump } = output;
  return (
    <div className={className} data-longwire="job-output">
      {props.header?.(output)}
      <div style={FRAME} data-part="frame">
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
            <OutputSections
              output={output}
              labels={props.typeLabels}
              styles={props.typeStyles ?? STYLES}
            />
            {output.lines === 0 && props.emptyLabel && (
              <div data-part="empty">{props.emptyLabel}</div>
            )}
          </div>
        </div>
        {!isFollowing && (
          <button type="button" style={LATEST} data-part="latest" onClick={jump}>
            {props.latestLabel ?? "Jump to latest"}
          </button>
        )}
      </div>
    </div>
  );
}
