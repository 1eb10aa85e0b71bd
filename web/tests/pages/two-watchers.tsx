/**
 * A page of an application, in StrictMode and with React's development build: two components track
 * one job with the specification's hooks. The fragment is `#TOKEN/JOB`.
 */
import {
  ConnectionStatus,
  LiveRegionProvider,
  LongwireProvider,
  useJobProgress,
  useWebSocket,
} from "longwire/react";
import { type ReactElement, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

const [token = "", jobId = ""] = window.location.hash.slice(1).split("/");

function Watcher({ name }: { readonly name: string }): ReactElement {
  const { connectionState } = useWebSocket();
  const { progress, currentStep, output } = useJobProgress(jobId);
  return (
    <section aria-label={name}>
      <progress aria-label={`${name}'s progress`} max={100} value={progress ?? undefined} />
      <p>
        {connectionState}: {currentStep}
      </p>
      <pre>{output.join("")}</pre>
    </section>
  );
}

function Page(): ReactElement {
  const [hasSecond, setSecond] = useState(true);
  return (
    <>
      <ConnectionStatus />
      <Watcher name="First" />
      {hasSecond && <Watcher name="Second" />}
      <button type="button" onClick={() => setSecond(!hasSecond)}>
        {hasSecond ? "Remove the second" : "Show the second"}
      </button>
    </>
  );
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <LongwireProvider token={token}>
        <LiveRegionProvider>
          <Page />
        </LiveRegionProvider>
      </LongwireProvider>
    </StrictMode>,
  );
}
