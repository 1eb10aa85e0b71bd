import { type KeyboardEvent, type ReactElement, useEffect, useRef } from "react";

interface ConfirmProps {
  /** The name of the group for screen readers. */
  readonly label: string;
  readonly question: string;
  readonly confirmLabel: string;
  readonly keepLabel: string;
  readonly onConfirm: () => void;
  readonly onKeep: () => void;
}

/** Asks for confirmation in place. The safe answer has the focus; Escape chooses it. */
export function Confirm(props: ConfirmProps): ReactElement {
  const { label, question, confirmLabel, keepLabel, onConfirm, onKeep } = props;
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onKeep();
  };
  return (
    <div className="confirm" role="group" aria-label={label} onKeyDown={onKeyDown}>
      <span className="confirm-question">{question}</span>
      <button type="button" className="danger" onClick={onConfirm}>
        {confirmLabel}
      </button>
      <button type="button" ref={keep} onClick={onKeep}>
        {keepLabel}
      </button>
    </div>
  );
}
