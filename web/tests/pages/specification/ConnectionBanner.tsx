import { useWebSocket } from "longwire/compat";

export function ConnectionBanner() {
  const { connectionState, error } = useWebSocket();
  if (connectionState === "connected") return null;
  return (
    <div role="status">
      {connectionState === "connecting" && "Connecting to live updates..."}
      {connectionState === "reconnecting" && "Reconnecting..."}
      {connectionState === "error" && `Connection error: ${error?.message}`}
      {connectionState === "disconnected" && "No live updates"}
    </div>
  );
}
