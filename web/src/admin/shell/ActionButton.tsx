import { type ReactElement, useContext, useEffect, useRef, useState } from "react";

import { Confirm } from "../../shell/Confirm";
import { ToastsContext } from "../../shell/ToastsContext";

interface ActionButtonProps {
  readonly label: string;
  readonly question: string;
  readonly confirmLabel: string;
  /** Performs the action; what it throws is shown. */
  readonly act: () => Promise<unknown>;
  /** Shown once the action has been performed. */
  readonly done: string;
}

type Phase = "idle" | "asking" | "acting";

/** An action that asks for confirmation first, and says how it ended. */
export function ActionButton(props: ActionButtonProps): ReactElement {
  const { label, question, confirmLabel, act, done } = props;
  const [phase, setPhase] = useState<Phase>("idle");
  const toasts = useContext(ToastsContext);
  const button = useRef<HTMLButtonElement>(null);
  const returnsFocus = useRef(false);
  useEffect(() => {
    if (phase === "asking" || !returnsFocus.current) return;
    returnsFocus.current = false;
    button.current?.focus();
  }, [phase]);
  async function perform(): Promise<void> {
    returnsFocus.current = true;
    setPhase("acting");
    try {
      await act();
      toasts.show(done);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      toasts.show(`${label}: not done. ${reason}`, "error");
    }
    setPhase("idle");
  }
  if (phase === "asking") {
    return (
      <Confirm
        label={question}
        question={question}
        confirmLabel={confirmLabel}
        keepLabel="Leave it"
        onConfirm={() => void perform()}
        onKeep={() => {
          returnsFocus.current = true;
          setPhase("idle");
        }}
      />
    );
  }
  const isActing = phase === "acting";
  return (
    <button
      type="button"
      ref={button}
      className="compact"
      aria-disabled={isActing}
      onClick={() => !isActing && setPhase("asking")}
    >
      {isActing ? "Working…" : label}
    </button>
  );
}
