import type { JobSnapshot } from "longwire";
import { JobOutput, type JobOutputView } from "longwire/react";
import { type ReactElement, useId, useState } from "react";

import { count } from "../format/number";
import { CopyButton } from "../shell/CopyButton";
import { saveText } from "../shell/copy";
import { ArrowDownIcon } from "../shell/icons";

interface ToolbarProps {
  readonly id: string;
  readonly jobId: string;
  readonly output: JobOutputView;
  readonly wraps: boolean;
  readonly setWraps: (wraps: boolean) => void;
}

function Toolbar({ id, jobId, output, wraps, setWraps }: ToolbarProps): ReactElement {
  return (
    <header className="output-bar">
      <h2 id={id}>Output</h2>
      {output.lines > 0 && <span className="output-count">{count(output.lines, "line")}</span>}
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
          onClick={() => saveText(output.text(), `${jobId}.log`)}
        >
          Save
        </button>
      </div>
    </header>
  );
}

/** The style sheet marks the types of text. */
const NO_STYLES = {};

const LATEST = (
  <>
    <ArrowDownIcon />
    Jump to latest
  </>
);

/** A job's output, with a toolbar. */
export function OutputPane({ job }: { readonly job: JobSnapshot }): ReactElement {
  const [wraps, setWraps] = useState(true);
  const heading = useId();
  return (
    <section className="output" aria-labelledby={heading}>
      <JobOutput
        job={job}
        className={wraps ? undefined : "output-unwrapped"}
        typeStyles={NO_STYLES}
        latestLabel={LATEST}
        emptyLabel={job.isComplete ? "This job wrote nothing." : "Nothing written yet."}
        header={(output) => (
          <Toolbar
            id={heading}
            jobId={job.jobId}
            output={output}
            wraps={wraps}
            setWraps={setWraps}
          />
        )}
      />
    </section>
  );
}
