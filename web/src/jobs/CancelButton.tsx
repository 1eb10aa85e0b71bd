import { type JobView, useClient } from "longwire/react";
import {
  type KeyboardEvent,
  type ReactElement,
  useContext,
  useEffect,
  useRef,
  useState,
} from "react";

import { ToastsContext } from "../shell/ToastsContext";

type Phase = "idle" | "asking" | "waiting" | "sending";

interface ConfirmProps {
  readonly onConfirm: () => void;
  readonly onKeep: () => void;
}

/** Asks for confirmation in place. The safe answer has the focus; Escape chooses it. */
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

/** Returns a function that sends the request, once there is a connection. */
function useCancel(job: JobView, setPhase: (phase: Phase) => void): () => Promise<void> {
  const client = useClient();
  const toasts = useContext(ToastsContext);
  return async () => {
    try {
      if (!client.isConnected()) {
        setPhase("waiting");
        toasts.show("The job will be asked to stop when you are back online.");
        await client.connect();
      }
      setPhase("sending");
      await job.cancel(REASON);
      toasts.show("The job was asked to stop.");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      toasts.show(`The job was not stopped. ${reason}`, "error");
    }
    setPhase("idle");
  };
}

function labelOf(phase: Phase, job: JobView): string {
  if (phase === "waiting") return "Stops when back online";
  return phase === "sending" || job.cancelRequested ? "Stopping…" : "Cancel job";
}

/** Asks a running job to stop, after a confirmation. */
export function CancelButton({ job }: { readonly job: JobView }): ReactElement {
  const [phase, setPhase] = useState<Phase>("idle");
  const cancel = useCancel(job, setPhase);
  const button = useRef<HTMLButtonElement>(null);
  const returnsFocus = useRef(false);
  useEffect(() => {
    if (phase === "asking" || !returnsFocus.current) return;
    returnsFocus.current = false;
    button.current?.focus();
  }, [phase]);
  function leave(act: () => unknown): void {
    returnsFocus.current = true;
    act();
  }
  if (phase === "asking") {
    return <Confirm onConfirm={() => leave(cancel)} onKeep={() => leave(() => setPhase("idle"))} />;
  }
  const label = labelOf(phase, job);
  const isStopping = label !== "Cancel job";
  return (
    <button
      type="button"
      ref={button}
      aria-disabled={isStopping}
      onClick={() => !isStopping && setPhase("asking")}
    >
      {label}
    </button>
  );
}
