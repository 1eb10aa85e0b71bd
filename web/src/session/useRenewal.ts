import { LongwireError } from "longwire";
import { useClient, useConnection, useEvent } from "longwire/react";
import { useContext, useRef, useState } from "react";

import { TokensContext } from "./TokensContext";

/** Errors that another token resolves, and their texts. */
const PROBLEMS: Readonly<Record<string, string | null>> = {
  token_missing: null,
  token_invalid: "The server does not accept this token.",
  token_expired: "Your sign-in has ended.",
  token_revoked: "Your sign-in was revoked.",
};

/** Signing in again without leaving the page. */
export interface Renewal {
  /** Why another token is needed; undefined if none is, null if there was none before. */
  readonly problem: string | null | undefined;
  /** When the token expires, if that is soon, as `Date.now()` counts. */
  readonly endsAt: number | null;
  /** Whether to ask the user for another token. */
  readonly isAsking: boolean;
  readonly ask: () => void;
  readonly dismiss: () => void;
  readonly renew: (token: string) => void;
}

/** Returns the text of an error that another token resolves; undefined for other errors. */
function problemOf(error: Error | null): string | null | undefined {
  return error instanceof LongwireError ? PROBLEMS[error.code] : undefined;
}

/** Whether the user asked to sign in again, and the error that was already dismissed. */
type Asking = { readonly isWanted: boolean; readonly about: Error | null };

/** Returns the state of the token, and functions that replace it. */
export function useRenewal(): Renewal {
  const client = useClient();
  const tokens = useContext(TokensContext);
  const { error } = useConnection();
  const [endsAt, setEndsAt] = useState<number | null>(null);
  const [asking, setAsking] = useState<Asking>({ isWanted: false, about: null });
  const offered = useRef<string | null>(null);
  const problem = problemOf(error);
  // A new problem opens the dialog once.
  const isNew = problem !== undefined && asking.about !== error;
  useEvent("auth_expiring", ({ expiresIn }) => setEndsAt(Date.now() + expiresIn * 1_000));
  useEvent("authenticated", () => {
    if (offered.current !== null) tokens.write(offered.current);
    offered.current = null;
    setEndsAt(null);
    setAsking({ isWanted: false, about: null });
  });
  return {
    problem,
    endsAt,
    isAsking: isNew || asking.isWanted,
    ask: () => setAsking({ isWanted: true, about: error }),
    dismiss: () => setAsking({ isWanted: false, about: error }),
    renew: (token) => {
      offered.current = token;
      setAsking({ isWanted: true, about: error });
      client.setToken(token);
    },
  };
}
