import { ConnectionStatus, useAnnounce, useConnection, useConnectionNotice } from "longwire/react";
import { type ReactElement, useEffect } from "react";

import type { Renewal } from "../session/useRenewal";
import { useNow } from "../shell/clock";

const LABELS = {
  connecting: "No answer from the server yet.",
  reconnecting: "Connection lost.",
  disconnected: "Disconnected.",
  restored: "Back online, and up to date.",
  error: "Disconnected.",
};

/** The seconds until the next attempt. */
function Countdown(): ReactElement {
  const now = useNow();
  const { reconnectAttempts, nextRetryAt } = useConnection();
  const seconds = nextRetryAt === null ? 0 : Math.ceil((nextRetryAt - now) / 1_000);
  const which = reconnectAttempts > 1 ? `Attempt\u00a0${reconnectAttempts}` : "Next attempt";
  return (
    <span className="notice-detail">
      {seconds > 0 ? `${which} in ${seconds}\u00a0s` : "Trying now…"}
    </span>
  );
}

interface NoticeProps {
  readonly renewal: Renewal;
}

/** Warns that the token expires soon, in time to replace it. */
function ExpiryNotice({
  endsAt,
  renewal,
}: NoticeProps & { readonly endsAt: number }): ReactElement {
  const seconds = Math.max(0, Math.ceil((endsAt - useNow()) / 1_000));
  const announce = useAnnounce();
  useEffect(() => announce("Your sign-in ends soon."), [announce]);
  return (
    <div className="notice" data-state="expiring">
      <p>
        <span data-part="text">Your sign-in ends</span>{" "}
        <span className="notice-detail">{seconds > 0 ? `in ${seconds}\u00a0s` : "now"}</span>
      </p>
      <button type="button" onClick={renewal.ask}>
        Sign in again
      </button>
    </div>
  );
}

function retryLabel(isError: boolean, needsToken: boolean): string {
  if (!isError) return "Retry now";
  return needsToken ? "Sign in again" : "Connect again";
}

/** Reports an interrupted connection and an expiring token, in the gap of the masthead's wire. */
export function ConnectionNotice({ renewal }: NoticeProps): ReactElement {
  const notice = useConnectionNotice();
  const isError = notice === "error";
  const needsToken = isError && renewal.problem !== undefined;
  return (
    <>
      <ConnectionStatus
        className="notice"
        labels={{ ...LABELS, retry: retryLabel(isError, needsToken) }}
        detail={notice === "reconnecting" && <Countdown />}
        formatError={(error) => renewal.problem ?? error.message}
        onRetry={needsToken ? renewal.ask : undefined}
      />
      {notice === null && renewal.endsAt !== null && (
        <ExpiryNotice endsAt={renewal.endsAt} renewal={renewal} />
      )}
    </>
  );
}
