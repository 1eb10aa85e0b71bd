import { createClient, type WebSocketClient } from "longwire";
import { LiveRegionProvider, LongwireProvider, useConnection } from "longwire/react";
import { type ReactElement, useState } from "react";

import { useHealth } from "../connection/useHealth";
import { JobPage } from "../jobs/JobPage";
import { JobsPage } from "../jobs/JobsPage";
import { Announcements } from "../overview/Announcements";
import { useRoute } from "../routing/useRoute";
import { Masthead } from "../shell/Masthead";
import { endpointOf } from "./endpoint";
import { SignIn, SignInDialog } from "./SignIn";
import { useRenewal } from "./useRenewal";

/** Chunks of 4 KiB that are kept of a job's output: far more than a person reads. */
const OUTPUT_LIMIT = 20_000;

interface SessionProps {
  /** null tries without: some servers let everybody in. */
  readonly token: string | null;
  readonly onToken: (token: string) => void;
  readonly onSignOut: () => void;
}

function connectWith(token: string | null): WebSocketClient {
  return createClient(undefined, {
    ...endpointOf(document.baseURI),
    ...(token !== null && { token }),
    outputLimit: OUTPUT_LIMIT,
  });
}

function Page(): ReactElement {
  const route = useRoute();
  if (route.page === "job") return <JobPage key={route.jobId} jobId={route.jobId} />;
  return <JobsPage filter={route.status} />;
}

function SignedIn({ onToken, onSignOut }: SessionProps): ReactElement {
  const { state, connectedAt, userId, latencyMs } = useConnection();
  const health = useHealth();
  const renewal = useRenewal();
  if (state === "error" && renewal.problem !== undefined && connectedAt === null) {
    return <SignIn problem={renewal.problem} onToken={onToken} />;
  }
  return (
    <>
      <a className="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Masthead health={health} latencyMs={latencyMs} renewal={renewal}>
        {userId !== null && <span className="user">{userId}</span>}
        <button type="button" className="quiet" onClick={onSignOut}>
          Sign out
        </button>
      </Masthead>
      <main id="main" tabIndex={-1}>
        <Announcements />
        <Page />
      </main>
      {renewal.isAsking && (
        <SignInDialog
          problem={renewal.problem ?? null}
          onToken={renewal.renew}
          onClose={renewal.dismiss}
        />
      )}
    </>
  );
}

/** Moves the focus; the fragment belongs to the routes. */
function skipToMain(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** One token's connection, and everything that is seen through it. */
export function Session(props: SessionProps): ReactElement {
  const [client] = useState(() => connectWith(props.token));
  return (
    <LiveRegionProvider>
      <LongwireProvider client={client}>
        <SignedIn {...props} />
      </LongwireProvider>
    </LiveRegionProvider>
  );
}
