import type { JobSnapshot } from "longwire";
import { useClient } from "longwire/react";
import { memo, type ReactElement, useId, useMemo, useState, useSyncExternalStore } from "react";

import { count } from "../format/number";
import { CopyButton } from "../shell/CopyButton";
import { saveText } from "../shell/copy";
import { ArrowDownIcon } from "../shell/icons";
import type { OutputType, Section } from "../terminal/transcript";
import { JobTranscript } from "./JobTranscript";
import { OutputBlock } from "./OutputBlock";
import { useStickToEnd } from "./useStickToEnd";

const LABELS: Readonly<Record<OutputType, string | null>> = {
  thinking: "Thinking",
  writing: null,
  tool_call: "Tool call",
};

const SectionView = memo(function SectionView({ section }: { readonly section: Section }): ReactElement {
  const label = LABELS[section.type];
  return (
    <div className={`output-section output-${section.type}`}>
      {label !== null && <p className="output-label">{label}</p>}
      <div className="output-text">
        {section.blocks.map((block) => (
          <OutputBlock key={block.id} block={block} />
        ))}
      </div>
    </div>
  );
});

function emptyText(job: JobSnapshot): string {
  return job.isComplete ? "This job wrote nothing." : "Nothing written yet.";
}

interface OutputPaneProps {
  readonly job: JobSnapshot;
}

/** What a job wrote, live. Never a live region: the page announces what matters elsewhere. */
export function OutputPane({ job }: OutputPaneProps): ReactElement {
  const client = useClient();
  const transcript = useMemo(() => new JobTranscript(client.job(job.jobId)), [client, job.jobId]);
  const snapshot = useSyncExternalStore(transcript.subscribe, transcript.getSnapshot);
  const { pane, content, isFollowing, jump } = useStickToEnd(snapshot);
  const [wraps, setWraps] = useState(true);
  const heading = useId();
  return (
    <section className="output" aria-labelledby={heading}>
      <header className="output-bar">
        <h2 id={heading}>Output</h2>
        {snapshot.lines > 0 && <span className="output-count">{count(snapshot.lines, "line")}</span>}
        <div className="output-tools">
          <button
            type="button"
            className="quiet"
            aria-pressed={wraps}
            onClick={() => setWraps(!wraps)}
          >
            Wrap
          </button>
          <CopyButton text={() => transcript.text()} label="Copy the output">
            Copy
          </CopyButton>
          <button
            type="button"
            className="quiet"
            aria-label="Save the output as a file"
            onClick={() => saveText(transcript.text(), `${job.jobId}.log`)}
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
            {(snapshot.dropped > 0 || job.outputTruncated) && (
              <p className="output-note">Earlier output is no longer shown.</p>
            )}
            {snapshot.sections.map((section) => (
              <SectionView key={section.id} section={section} />
            ))}
            {snapshot.lines === 0 && <p className="output-note">{emptyText(job)}</p>}
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
