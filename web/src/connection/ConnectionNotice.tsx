import { useAnnounce, useConnection } from "longwire/react";
import { type ReactElement, useEffect } from "react";

import type { Renewal } from "../session/useRenewal";
import { useNow } from "../shell/clock";
import type { Health } from "./ConnectionHealth";

const SPOKEN: Partial<Record<Health, string>> = {
  down: "Connection lost. Trying to reconnect.",
  recovered: "Back online, and up to date.",
};

interface CountdownProps {
  readonly attempt: number;
  readonly at: number | null;
}

/** When the next attempt comes, counted down. */
function Countdown({ attempt, at }: CountdownProps): ReactElement {
  const now = useNow();
  const seconds = at === null ? 0 : Math.ceil((at - now) / 1_000);
  const which = attempt > 1 ? `Attempt\u00a0${attempt}` : "Next attempt";
  return <>{seconds > 0 ? `${which} in ${seconds}\u00a0s` : "Trying now…"}</>;
}

function Outage(): ReactElement {
  const connection = useConnection();
  const { reconnectAttempts: attempt, nextRetryAt } = connection;
  return (
    <div className="notice" data-tone="warn">
      <p>
        <strong>Connection lost.</strong>{" "}
        <span className="notice-detail">
          <Countdown attempt={attempt} at={nextRetryAt} />
        </span>
      </p>
      <button type="button" onClick={() => connection.retry()}>
        Retry now
      </button>
    </div>
  );
}

interface NoticeProps {
  readonly renewal: Renewal;
}

function Refused({ renewal }: NoticeProps): ReactElement {
  const connection = useConnection();
  const isAboutToken = renewal.problem !== undefined;
  return (
    <div className="notice" data-tone="warn">
      <p>
        <strong>Disconnected.</strong>{" "}
        <span className="notice-detail">{renewal.problem ?? connection.error?.message}</span>
      </p>
      <button type="button" onClick={() => (isAboutToken ? renewal.ask() : connection.retry())}>
        {isAboutToken ? "Sign in again" : "Connect again"}
      </button>
    </div>
  );
}

/** The token ends soon: said in time to put another in its place. */
function Expiring({ endsAt, renewal }: NoticeProps & { readonly endsAt: number }): ReactElement {
  const seconds = Math.max(0, Math.ceil((endsAt - useNow()) / 1_000));
  const announce = useAnnounce();
  useEffect(() => announce("Your sign-in ends soon."), [announce]);
  return (
    <div className="notice" data-tone="warn">
      <p>
        <strong>Your sign-in ends</strong>{" "}
        <span className="notice-detail">{seconds > 0 ? `in ${seconds}\u00a0s` : "now"}</span>
      </p>
      <button type="button" onClick={renewal.ask}>
        Sign in again
      </button>
    </div>
  );
}

interface ConnectionNoticeProps extends NoticeProps {
  readonly health: Health;
}

/** Tells of a connection that has been gone for a while, and of its return: sits on the wire. */
export function ConnectionNotice({ health, renewal }: ConnectionNoticeProps): ReactElement | null {
  const announce = useAnnounce();
  useEffect(() => {
    const message = SPOKEN[health];
    if (message !== undefined) announce(message);
    else if (health === "refused") announce("The server closed the connection.", "assertive");
  }, [announce, health]);
  if (health === "down") return <Outage />;
  if (health === "refused") return <Refused renewal={renewal} />;
  if (renewal.endsAt !== null) return <Expiring endsAt={renewal.endsAt} renewal={renewal} />;
  if (health !== "recovered") return null;
  return (
    <div className="notice" data-tone="good">
      <p>
        <strong>Back online,</strong> and up to date.
      </p>
    </div>
  );
}
