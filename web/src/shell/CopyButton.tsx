import { useAnnounce } from "longwire/react";
import { type ReactElement, type ReactNode, useEffect, useState } from "react";

import { copyText } from "./copy";

interface CopyButtonProps {
  /** Returns the text to copy. */
  readonly text: () => string;
  readonly label?: string;
  readonly className?: string;
  readonly children: ReactNode;
}

const SHOWN_MS = 2_000;

/** Copies a text and confirms it for a moment. */
export function CopyButton({ text, label, className, children }: CopyButtonProps): ReactElement {
  const [outcome, setOutcome] = useState<string | null>(null);
  const announce = useAnnounce();
  useEffect(() => {
    if (outcome === null) return undefined;
    const timer = setTimeout(() => setOutcome(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  async function copy(): Promise<void> {
    const result = (await copyText(text())) ? "Copied" : "Not copied";
    setOutcome(result);
    announce(result);
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
