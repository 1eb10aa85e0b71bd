import type { ReactElement, ReactNode } from "react";

import type { Health } from "../connection/ConnectionHealth";
import { ConnectionNotice } from "../connection/ConnectionNotice";
import type { Renewal } from "../session/useRenewal";
import { ThemeToggle } from "./ThemeToggle";

const WORDS: Readonly<Record<Health, string>> = {
  connecting: "Connecting…",
  live: "Live",
  down: "Reconnecting…",
  recovered: "Live",
  refused: "Not connected",
};

interface MastheadProps {
  /** null where there is no connection to speak of. */
  readonly health: Health | null;
  readonly latencyMs?: number | null;
  /** How to sign in anew, where somebody is signed in. */
  readonly renewal?: Renewal;
  readonly children?: ReactNode;
}

/** The head of every page. The line from the name to the state is the wire: it breaks and heals. */
export function Masthead({
  health,
  latencyMs = null,
  renewal,
  children,
}: MastheadProps): ReactElement {
  return (
    <header className="masthead">
      <a className="wordmark" href="#/jobs">
        Longwire
      </a>
      <div className="wire" data-health={health ?? "idle"}>
        {health !== null && renewal && <ConnectionNotice health={health} renewal={renewal} />}
      </div>
      {health !== null && (
        <span
          className="wire-state"
          title={latencyMs === null ? undefined : `Round trip ${latencyMs} ms`}
        >
          <span className="visually-hidden">Connection: </span>
          {WORDS[health]}
        </span>
      )}
      <div className="masthead-tools">
        {children}
        <ThemeToggle />
      </div>
    </header>
  );
}
