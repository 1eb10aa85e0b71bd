import { type JobView, useClient } from "longwire/react";
import { type ReactElement, useContext, useEffect, useRef, useState } from "react";

import { Confirm } from "../shell/Confirm";
import { ToastsContext } from "../shell/ToastsContext";

type Phase = "idle" | "asking" | "waiting" | "sending";

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
    return (
      <Confirm
        label="Cancel this job?"
        question="Stop this job for everyone?"
        confirmLabel="Stop it"
        keepLabel="Keep running"
        onConfirm={() => leave(cancel)}
        onKeep={() => leave(() => setPhase("idle"))}
      />
    );
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
