import type { JobSnapshot } from "longwire";
import { OutputSections, useJobOutput } from "longwire/react";
import { type ReactElement, useId, useState } from "react";

import { count } from "../format/number";
import { CopyButton } from "../shell/CopyButton";
import { saveText } from "../shell/copy";
import { ArrowDownIcon } from "../shell/icons";

function emptyText(job: JobSnapshot): string {
  return job.isComplete ? "This job wrote nothing." : "Nothing written yet.";
}

interface OutputPaneProps {
  readonly job: JobSnapshot;
}

/** What a job wrote, live. Never a live region: the page announces what matters elsewhere. */
export function OutputPane({ job }: OutputPaneProps): ReactElement {
  const output = useJobOutput(job);
  const { pane, content, isFollowing, jump, lines } = output;
  const [wraps, setWraps] = useState(true);
  const heading = useId();
  return (
    <section className="output" aria-labelledby={heading}>
      <header className="output-bar">
        <h2 id={heading}>Output</h2>
        {lines > 0 && <span className="output-count">{count(lines, "line")}</span>}
        <div className="output-tools">
          <button
            type="button"
            className="quiet"
            aria-pressed={wraps}
            onClick={() => setWraps(!wraps)}
          >
            Wrap
          </button>
          <CopyButton text={output.text} label="Copy the output">
            Copy
          </CopyButton>
          <button
            type="button"
            className="quiet"
            aria-label="Save the output as a file"
            onClick={() => saveText(output.text(), `${job.jobId}.log`)}
          >
            Save
          </button>
        </div>
      </header>
      <div className="output-frame">
        <div
          ref={pane}
          className={wraps ? "output-pane" : "output-pane output-unwrapped"}
          role="log"
          aria-live="off"
          aria-labelledby={heading}
          aria-busy={job.isRunning}
          tabIndex={0}
        >
          <div ref={content} className="output-content">
            {output.isTruncated && (
              <p className="output-note">Earlier output is no longer shown.</p>
            )}
            <OutputSections output={output} />
            {lines === 0 && <p className="output-note">{emptyText(job)}</p>}
          </div>
        </div>
        {!isFollowing && (
          <button type="button" className="jump" onClick={jump}>
            <ArrowDownIcon />
            Jump to latest
          </button>
        )}
      </div>
    </section>
  );
}
