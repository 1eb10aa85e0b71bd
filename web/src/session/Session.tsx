import { createClient, type WebSocketClient } from "longwire";
import {
  LiveRegionProvider,
  LongwireProvider,
  Toasts,
  useConnection,
  useToasts,
} from "longwire/react";
import { type ReactElement, useState } from "react";

import { JobPage } from "../jobs/JobPage";
import { JobsPage } from "../jobs/JobsPage";
import { Announcements } from "../overview/Announcements";
import { useRoute } from "../routing/useRoute";
import { Masthead } from "../shell/Masthead";
import { ToastsContext } from "../shell/ToastsContext";
import { endpointOf } from "./endpoint";
import { SignIn, SignInDialog } from "./SignIn";
import { useRenewal } from "./useRenewal";

/** Chunks of 4 KiB to keep of a job's output, which is more than anyone reads. */
const OUTPUT_LIMIT = 20_000;

interface SessionProps {
  /** Null connects without a token, which some servers allow. */
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
  const { state, connectedAt, userId } = useConnection();
  const renewal = useRenewal();
  const toasts = useToasts();
  if (state === "error" && renewal.problem !== undefined && connectedAt === null) {
    return <SignIn problem={renewal.problem} onToken={onToken} />;
  }
  return (
    <ToastsContext value={toasts}>
      <a className="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Masthead renewal={renewal}>
        {userId !== null && <span className="user">{userId}</span>}
        <button type="button" className="quiet" onClick={onSignOut}>
          Sign out
        </button>
      </Masthead>
      <main id="main" tabIndex={-1}>
        <Announcements />
        <Page />
      </main>
      <Toasts queue={toasts} className="toasts" />
      {renewal.isAsking && (
        <SignInDialog
          problem={renewal.problem ?? null}
          onToken={renewal.renew}
          onClose={renewal.dismiss}
        />
      )}
    </ToastsContext>
  );
}

/** Moves the focus without changing the fragment, which holds the route. */
function skipToMain(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** The connection of one token, and the page. */
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
