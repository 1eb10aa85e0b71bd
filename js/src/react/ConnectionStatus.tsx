import { type ReactElement, useEffect, useState } from "react";

import type { ConnectionState } from "../index.js";
import { useConnection } from "./useConnection.js";

/** What is shown; every text can be replaced. */
export interface ConnectionLabels {
  connecting: string;
  reconnecting: string;
  disconnected: string;
  restored: string;
  retry: string;
  /** Said of an error; the error's own words follow. */
  error: string;
  outdated: string;
  reload: string;
}

export interface ConnectionStatusProps {
  className?: string | undefined;
  /** A disturbance shorter than this is not shown. In milliseconds. */
  grace?: number | undefined;
  /** How long the recovery is shown. In milliseconds. */
  restoredFor?: number | undefined;
  /**
   * Has the page say when it was built for another contract than the server's, with a button that
   * does this: mostly `() => location.reload()`.
   */
  onReload?: (() => void) | undefined;
  labels?: Partial<ConnectionLabels> | undefined;
}

const LABELS: ConnectionLabels = {
  connecting: "Connecting…",
  reconnecting: "Connection lost. Reconnecting…",
  disconnected: "Not connected.",
  restored: "Back online.",
  retry: "Try now",
  error: "Connection refused:",
  outdated: "A new version is available.",
  reload: "Reload",
};

type Shown = Exclude<ConnectionState, "connected"> | "restored" | "outdated" | null;

/**
 * Says so when the connection is disturbed for longer than a moment, and when it is back; empty
 * otherwise. `data-state` is what it shows.
 */
export function ConnectionStatus(props: ConnectionStatusProps): ReactElement {
  const { className, grace = 2_000, restoredFor = 3_000, onReload } = props;
  const labels = { ...LABELS, ...props.labels };
  const { state, error, isOutdated, retry } = useConnection();
  const disturbance = useShown(state, grace, restoredFor);
  const shown = disturbance ?? (isOutdated && onReload ? "outdated" : null);
  const canRetry = shown === "error" || shown === "reconnecting";
  return (
    <div className={className} data-longwire="connection-status" data-state={shown ?? "quiet"}>
      <span role="status">{text(shown, labels, error)}</span>
      {canRetry && (
        <button type="button" onClick={retry}>
          {labels.retry}
        </button>
      )}
      {shown === "outdated" && (
        <button type="button" onClick={onReload}>
          {labels.reload}
        </button>
      )}
    </div>
  );
}

function text(shown: Shown, labels: ConnectionLabels, error: Error | null): string {
  if (shown === null) return "";
  return shown === "error" ? `${labels.error} ${error?.message ?? ""}` : labels[shown];
}

/** What to show of a state: nothing for a moment, then the state, then that it is over. */
function useShown(state: ConnectionState, grace: number, restoredFor: number): Shown {
  const [phase, setPhase] = useState<"quiet" | "disturbed" | "restored">("quiet");
  const isConnected = state === "connected";
  useEffect(() => {
    const [after, then] = isConnected
      ? [0, (was: typeof phase) => (was === "disturbed" ? "restored" : was) as typeof phase]
      : [grace, () => "disturbed" as const];
    const timer = setTimeout(() => setPhase(then), after);
    return () => clearTimeout(timer);
  }, [isConnected, grace]);
  useEffect(() => {
    if (phase !== "restored") return undefined;
    const timer = setTimeout(() => setPhase("quiet"), restoredFor);
    return () => clearTimeout(timer);
  }, [phase, restoredFor]);
  if (isConnected) return phase === "restored" ? "restored" : null;
  return phase === "disturbed" ? state : null;
}
