import { useEffect, useState } from "react";

import type { ConnectionState } from "../index.js";
import { useConnection } from "./useConnection.js";

/**
 * What to tell the user about the connection: a state that has lasted for a while, `restored` for a
 * moment after it, and null otherwise.
 */
export type ConnectionNotice = Exclude<ConnectionState, "connected"> | "restored" | null;

/** Options of `useConnectionNotice`. Times are in milliseconds. */
export interface ConnectionNoticeOptions {
  /** Interruptions shorter than this are not reported. Errors are, immediately. Default: 2,000. */
  grace?: number | undefined;
  /** How long the recovery is reported. Default: 3,000. */
  restoredFor?: number | undefined;
}

type Phase = "quiet" | "interrupted" | "restored";

/** Returns what to tell the user about the connection. `ConnectionStatus` renders it. */
export function useConnectionNotice(options: ConnectionNoticeOptions = {}): ConnectionNotice {
  const { grace = 2_000, restoredFor = 3_000 } = options;
  const { state } = useConnection();
  const [phase, setPhase] = useState<Phase>("quiet");
  const isConnected = state === "connected";
  const isError = state === "error";
  useEffect(() => {
    const next = (was: Phase): Phase => {
      if (!isConnected) return "interrupted";
      return was === "interrupted" ? "restored" : was;
    };
    const timer = setTimeout(() => setPhase(next), isConnected || isError ? 0 : grace);
    return () => clearTimeout(timer);
  }, [isConnected, isError, grace]);
  useEffect(() => {
    if (phase !== "restored" || !isConnected) return undefined;
    const timer = setTimeout(() => setPhase("quiet"), restoredFor);
    return () => clearTimeout(timer);
  }, [phase, isConnected, restoredFor]);
  if (isConnected) return phase === "quiet" ? null : "restored";
  return isError || phase !== "quiet" ? state : null;
}
