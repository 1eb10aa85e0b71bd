import { useAnnounce } from "longwire/react";
import { type ReactElement, type ReactNode, useEffect, useState } from "react";

import { copyText } from "./copy";

interface CopyButtonProps {
  /** What is copied, made when it is asked for. */
  readonly text: () => string;
  readonly label?: string;
  readonly className?: string;
  readonly children: ReactNode;
}

const SHOWN_MS = 2_000;

/** Copies, and says for a moment that it did. */
export function CopyButton({ text, label, className, children }: CopyButtonProps): ReactElement {
  const [outcome, setOutcome] = useState<string | null>(null);
  const announce = useAnnounce();
  useEffect(() => {
    if (outcome === null) return undefined;
    const timer = setTimeout(() => setOutcome(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  async function copy(): Promise<void> {
    const said = (await copyText(text())) ? "Copied" : "Not copied";
    setOutcome(said);
    announce(said);
  }
  return (
    <button
      type="button"
      className={className ?? "quiet"}
      aria-label={label}
      onClick={() => void copy()}
    >
      {outcome ?? children}
    </button>
  );
}
