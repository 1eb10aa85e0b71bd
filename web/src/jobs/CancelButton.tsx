import type { JobView } from "longwire/react";
import { useAnnounce } from "longwire/react";
import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from "react";

type Phase =
  | { readonly step: "idle" }
  | { readonly step: "asking" }
  | { readonly step: "sending" }
  | { readonly step: "refused"; readonly reason: string };

const IDLE: Phase = { step: "idle" };

interface ConfirmProps {
  readonly onConfirm: () => void;
  readonly onKeep: () => void;
}

/** Asks in place. The focus is on the safe answer; Escape gives it. */
function Confirm({ onConfirm, onKeep }: ConfirmProps): ReactElement {
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onKeep();
  };
  return (
    <div className="confirm" role="group" aria-label="Cancel this job?" onKeyDown={onKeyDown}>
      <span className="confirm-question">Stop this job for everyone?</span>
      <button type="button" className="danger" onClick={onConfirm}>
        Stop it
      </button>
      <button type="button" ref={keep} onClick={onKeep}>
        Keep running
      </button>
    </div>
  );
}

/** Asks a running job to stop, after asking the reader. */
export function CancelButton({ job }: { readonly job: JobView }): ReactElement {
  const [phase, setPhase] = useState<Phase>(IDLE);
  const button = useRef<HTMLButtonElement>(null);
  const returnsFocus = useRef(false);
  const announce = useAnnounce();
  useEffect(() => {
    if (phase.step === "asking" || !returnsFocus.current) return;
    returnsFocus.current = false;
    button.current?.focus();
  }, [phase]);
  function leave(to: Phase): void {
    returnsFocus.current = true;
    setPhase(to);
  }
  async function confirm(): Promise<void> {
    leave({ step: "sending" });
    try {
      await job.cancel("Cancelled on the web page");
      announce("Asked the job to stop.");
      setPhase(IDLE);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      announce(`The job was not stopped. ${reason}`, "assertive");
      setPhase({ step: "refused", reason });
    }
  }
  if (phase.step === "asking") {
    return <Confirm onConfirm={() => void confirm()} onKeep={() => leave(IDLE)} />;
  }
  const isStopping = phase.step === "sending" || job.cancelRequested;
  return (
    <div className="cancel">
      {phase.step === "refused" && <span className="cancel-refused">{phase.reason}</span>}
      <button
        type="button"
        ref={button}
        aria-disabled={isStopping}
        onClick={() => !isStopping && setPhase({ step: "asking" })}
      >
        {isStopping ? "Stopping…" : "Cancel job"}
      </button>
    </div>
  );
}
