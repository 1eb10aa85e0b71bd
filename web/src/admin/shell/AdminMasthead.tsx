import { type ReactElement, useSyncExternalStore } from "react";

import { Header } from "../../shell/Header";
import type { ApiState } from "../api/Api";
import { useApi } from "../api/context";
import { Link } from "../routing/Link";

const WORDS: Readonly<Record<ApiState, string>> = {
  connecting: "Connecting…",
  live: "Live",
  lost: "No answer",
  refused: "No access",
};

interface AdminMastheadProps {
  readonly isPaused: boolean;
  readonly onPause: (isPaused: boolean) => void;
}

/** The head of the admin page. Its line shows whether the page follows the server. */
export function AdminMasthead({ isPaused, onPause }: AdminMastheadProps): ReactElement {
  const api = useApi();
  const state = useSyncExternalStore(api.subscribe, api.state);
  const isHeld = isPaused && state === "live";
  const home = (
    <Link className="wordmark" view="overview">
      Longwire <span className="wordmark-part">admin</span>
    </Link>
  );
  const wire = (
    <>
      <div className="wire" data-state={isHeld ? "connecting" : state} />
      <span className="wire-state">
        <span className="visually-hidden">Server: </span>
        {isHeld ? "Paused" : WORDS[state]}
      </span>
    </>
  );
  return (
    <Header home={home} wire={wire}>
      <button
        type="button"
        className="quiet"
        aria-pressed={isPaused}
        title={isPaused ? "Follow the server again" : "Keep the page as it is now"}
        onClick={() => onPause(!isPaused)}
      >
        Pause
      </button>
    </Header>
  );
}
