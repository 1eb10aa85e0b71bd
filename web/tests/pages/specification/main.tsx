/**
 * An application as it was written for the specification: its own hook for the token, its own banner,
 * raw events beside `useJobProgress`, and helpers that are generic over all events. The imports name
 * `longwire/compat`, and `WebSocketProvider` is the one line that was added.
 */
import { WebSocketProvider } from "longwire/compat";
import { createRoot } from "react-dom/client";

import { ConnectionBanner } from "./ConnectionBanner";
import { JobCard } from "./JobCard";
import { jobId, useAuth } from "./useAuth";

function App() {
  const { token } = useAuth();
  return (
    <WebSocketProvider token={token}>
      <ConnectionBanner />
      <JobCard jobId={jobId} />
    </WebSocketProvider>
  );
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
