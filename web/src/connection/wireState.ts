import type { ConnectionSnapshot } from "longwire";
import type { ConnectionNotice } from "longwire/react";

/** How the masthead's wire looks. A short interruption does not change it. */
export type WireState = "connecting" | "live" | "lost" | "refused";

/** Returns how the wire looks for a connection and what is reported about it. */
export function wireStateOf(
  { connectedAt }: Pick<ConnectionSnapshot, "connectedAt">,
  notice: ConnectionNotice,
): WireState {
  if (notice === "error") return "refused";
  if (notice === "reconnecting" || notice === "disconnected") return "lost";
  return notice === "connecting" || connectedAt === null ? "connecting" : "live";
}
