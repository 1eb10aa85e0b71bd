import { type ReactElement, type ReactNode, useContext } from "react";

import { formatDuration } from "../../format/duration";
import { TokenForm } from "../../session/TokenForm";
import { useNow } from "../../shell/clock";
import { usePageTitle } from "../../shell/usePageTitle";
import type { ApiError } from "../api/ApiError";
import { SessionContext } from "../api/context";
import type { PageState } from "../api/Poller";
import { SignInContext } from "./SignInContext";

/** Data older than this is marked, unless the page is paused. */
const STALE_MS = 5_000;

function SignInForm({ error }: { readonly error: ApiError }): ReactElement {
  const signIn = useContext(SignInContext);
  const isFirst = error.code === "token_missing" || error.code === null;
  return (
    <div className="admin-sign-in">
      <h1>Sign in</h1>
      <p className="dialog-lead">
        This page is for operators of the server. If another site signs you in, do that first and
        reload.
      </p>
      <TokenForm problem={isFirst ? null : error.message} onToken={signIn} />
    </div>
  );
}

const HEADINGS = {
  unreachable: "The server does not answer",
  forbidden: "You may not see this page",
  missing: "Not found",
  refused: "The server refused this request",
  broken: "The server failed",
} as const;

const REMEDIES = {
  unreachable: "The page asks again by itself.",
  forbidden:
    "The server's authorize function, or the option --admin of longwire serve, names its operators.",
  missing: "It has ended, or it was never here.",
  refused: "Change the search or the address.",
  broken: "The page asks again by itself. The log of the server has the reason.",
} as const;

/** Shown in place of a view that has nothing but an error. */
function Failure({ error }: { readonly error: ApiError }): ReactElement {
  if (error.trouble === "signed_out") return <SignInForm error={error} />;
  return (
    <div className="empty" role="alert">
      <h1>{HEADINGS[error.trouble]}</h1>
      <p>{error.message}</p>
      <p>{REMEDIES[error.trouble]}</p>
    </div>
  );
}

/** Says how old the data is when it is older than it should be. */
function Staleness({ page }: { readonly page: PageState<unknown> }): ReactElement | null {
  const { isPaused } = useContext(SessionContext);
  const now = useNow();
  const age = page.at === null ? 0 : now - page.at;
  if (page.error === null && (isPaused || age < STALE_MS)) return null;
  const since = `from ${formatDuration(Math.max(0, Math.floor(age / 1_000)))} ago`;
  const why = page.error === null ? "The server has not answered since." : page.error.message;
  return (
    <p className="stale-note" role="status">
      <strong>Old data</strong>, {since}. {why}
    </p>
  );
}

interface PageBodyProps<T> {
  /** The title of the window, and the heading until there is data. */
  readonly title: string;
  readonly page: PageState<T>;
  readonly children: (data: T) => ReactNode;
}

/** A page of the API in any of its states: loading, failed, shown, and shown but old. */
export function PageBody<T>({ title, page, children }: PageBodyProps<T>): ReactElement {
  usePageTitle(title);
  const { data, error } = page;
  if (
    error !== null &&
    (data === null ||
      error.trouble === "signed_out" ||
      error.trouble === "forbidden" ||
      error.trouble === "missing")
  ) {
    return <Failure error={error} />;
  }
  if (data === null) {
    return (
      <>
        <h1>{title}</h1>
        <p className="loading">Loading…</p>
      </>
    );
  }
  return (
    <>
      <Staleness page={page} />
      <div className="page-body" data-old={error !== null} aria-busy={page.isOutdated}>
        {children(data)}
      </div>
    </>
  );
}
