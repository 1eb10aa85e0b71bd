import type { JobView } from "longwire/react";
import { useAnnounce, useClient } from "longwire/react";
import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from "react";

type Phase =
  | { readonly step: "idle" }
  | { readonly step: "asking" }
  | { readonly step: "waiting" }
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

const REASON = "Cancelled on the web page";

/** Sends the request, as soon as there is a connection. */
function useCancel(job: JobView, setPhase: (phase: Phase) => void): () => Promise<void> {
  const client = useClient();
  const announce = useAnnounce();
  return async () => {
    try {
      if (!client.isConnected()) {
        setPhase({ step: "waiting" });
        announce("The job will be asked to stop when you are back online.");
        await client.connect();
      }
      setPhase({ step: "sending" });
      await job.cancel(REASON);
      announce("Asked the job to stop.");
      setPhase(IDLE);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      announce(`The job was not stopped. ${reason}`, "assertive");
      setPhase({ step: "refused", reason });
    }
  };
}

function labelOf(phase: Phase, job: JobView): string {
  if (phase.step === "waiting") return "Stops when back online";
  return phase.step === "sending" || job.cancelRequested ? "Stopping…" : "Cancel job";
}

/** Asks a running job to stop, after asking the reader. */
export function CancelButton({ job }: { readonly job: JobView }): ReactElement {
  const [phase, setPhase] = useState<Phase>(IDLE);
  const cancel = useCancel(job, setPhase);
  const button = useRef<HTMLButtonElement>(null);
  const returnsFocus = useRef(false);
  useEffect(() => {
    if (phase.step === "asking" || !returnsFocus.current) return;
    returnsFocus.current = false;
    button.current?.focus();
  }, [phase]);
  function leave(act: () => unknown): void {
    returnsFocus.current = true;
    act();
  }
  if (phase.step === "asking") {
    return <Confirm onConfirm={() => leave(cancel)} onKeep={() => leave(() => setPhase(IDLE))} />;
  }
  const label = labelOf(phase, job);
  const isStopping = label !== "Cancel job";
  return (
    <div className="cancel">
      {phase.step === "refused" && <span className="cancel-refused">{phase.reason}</span>}
      <button
        type="button"
        ref={button}
        aria-disabled={isStopping}
        onClick={() => !isStopping && setPhase({ step: "asking" })}
      >
        {label}
      </button>
    </div>
  );
}
