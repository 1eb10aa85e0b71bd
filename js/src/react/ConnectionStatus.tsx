import type { ReactElement, ReactNode } from "react";

import { useConnection } from "./useConnection.js";
import {
  type ConnectionNotice,
  type ConnectionNoticeOptions,
  useConnectionNotice,
} from "./useConnectionNotice.js";

/** The texts of `ConnectionStatus`. */
export interface ConnectionLabels {
  /** Shown while the first connection takes long. */
  connecting: string;
  /** Shown while the client reconnects. */
  reconnecting: string;
  /** Shown while the client is disconnected and does not reconnect. */
  disconnected: string;
  /** Shown for a moment after an interruption. */
  restored: string;
  /** The button that reconnects. */
  retry: string;
  /** Shown before the message of an error. */
  error: string;
  /** Shown while the server has another contract than the application. */
  outdated: string;
  /** The button that reloads. */
  reload: string;
}

/** Props of `ConnectionStatus`. */
export interface ConnectionStatusProps extends ConnectionNoticeOptions {
  /** The class of the outermost element. */
  className?: string | undefined;
  /** Shown after the text and not announced, such as a countdown. */
  detail?: ReactNode;
  /** Returns the text of an error. Default: its message. */
  formatError?: ((error: Error) => string) | undefined;
  /** Called by the retry button. Default: reconnects. */
  onRetry?: (() => void) | undefined;
  /**
   * Called by the reload button, usually `() => location.reload()`. Without it an outdated
   * application is not reported.
   */
  onReload?: (() => void) | undefined;
  /** Replaces texts. */
  labels?: Partial<ConnectionLabels> | undefined;
}

const LABELS: ConnectionLabels = {
  connecting: "Connecting…",
  reconnecting: "Connection lost. Reconnecting…",
  disconnected: "Not connected.",
  restored: "Back online.",
  retry: "Try now",
  error: "Connection refused:",
  outdated: "A new version is available.",
  reload: "Reload",
};

const message = (error: Error): string => error.message;

/**
 * Reports an interrupted connection and its recovery, and announces both to screen readers. Empty
 * while there is nothing to report. `data-state` is the notice, or `quiet`.
 */
export function ConnectionStatus(props: ConnectionStatusProps): ReactElement {
  const labels = { ...LABELS, ...props.labels };
  const { error, otherContract } = useConnection();
  const notice = useConnectionNotice(props);
  const isOutdated = otherContract !== null && props.onReload !== undefined;
  const shown = notice ?? (isOutdated ? "outdated" : null);
  const { formatError = message } = props;
  return (
    <div
      className={props.className}
      data-longwire="connection-status"
      data-state={shown ?? "quiet"}
    >
      <span role="status">
        {shown && <span data-part="text">{labels[shown]}</span>}
        {shown === "error" && error && <span data-part="error"> {formatError(error)}</span>}
      </span>
      {shown && props.detail}
      <Action shown={shown} labels={labels} onRetry={props.onRetry} onReload={props.onReload} />
    </div>
  );
}

interface ActionProps extends Pick<ConnectionStatusProps, "onRetry" | "onReload"> {
  shown: ConnectionNotice | "outdated";
  labels: ConnectionLabels;
}

function Action({ shown, labels, onRetry, onReload }: ActionProps): ReactElement | null {
  const { retry } = useConnection();
  const isOutdated = shown === "outdated";
  if (!isOutdated && shown !== "error" && shown !== "reconnecting") return null;
  return (
    <button type="button" onClick={isOutdated ? onReload : (onRetry ?? retry)}>
      {isOutdated ? labels.reload : labels.retry}
    </button>
  );
}
