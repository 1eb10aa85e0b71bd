import { createClient, LongwireError, type WebSocketClient } from "longwire";
import { LiveRegionProvider, LongwireProvider, useConnection } from "longwire/react";
import { type ReactElement, useState } from "react";

import { useHealth } from "../connection/useHealth";
import { JobPage } from "../jobs/JobPage";
import { JobsPage } from "../jobs/JobsPage";
import { Announcements } from "../overview/Announcements";
import { OverviewContext, useOverviewSource } from "../overview/useOverview";
import { useRoute } from "../routing/useRoute";
import { Masthead } from "../shell/Masthead";
import { endpointOf } from "./endpoint";
import { SignIn } from "./SignIn";

/** Chunks of 4 KiB that are kept of a job's output: far more than a person reads. */
const OUTPUT_LIMIT = 20_000;

/** Refusals that another token can cure, and what to say of them. */
const SIGN_IN: Readonly<Record<string, string | null>> = {
  token_missing: null,
  token_invalid: "The server does not accept this token.",
  token_expired: "This token has expired. Sign in with a new one.",
};

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

/** What the sign-in page has to say if this error leads there; undefined if it does not. */
function signInProblem(error: Error | null): string | null | undefined {
  return error instanceof LongwireError ? SIGN_IN[error.code] : undefined;
}

function Page(): ReactElement {
  const route = useRoute();
  if (route.page === "job") return <JobPage key={route.jobId} jobId={route.jobId} />;
  return <JobsPage filter={route.status} />;
}

function SignedIn({ token, onToken, onSignOut }: SessionProps): ReactElement {
  const { state, error, userId, latencyMs } = useConnection();
  const health = useHealth();
  const overview = useOverviewSource();
  const problem = state === "error" ? signInProblem(error) : undefined;
  if (problem !== undefined) {
    return <SignIn problem={token === null ? null : problem} onToken={onToken} />;
  }
  return (
    <>
      <a className="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Masthead health={health} latencyMs={latencyMs}>
        {userId !== null && <span className="user">{userId}</span>}
        <button type="button" className="quiet" onClick={onSignOut}>
          Sign out
        </button>
      </Masthead>
      <main id="main" tabIndex={-1}>
        <OverviewContext value={overview}>
          <Announcements />
          <Page />
        </OverviewContext>
      </main>
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
