import { LongwireError } from "longwire";
import { useClient, useConnection, useEvent } from "longwire/react";
import { useContext, useRef, useState } from "react";

import { TokensContext } from "./TokensContext";

/** Refusals that another token can cure, and what to say of them. */
const PROBLEMS: Readonly<Record<string, string | null>> = {
  token_missing: null,
  token_invalid: "The server does not accept this token.",
  token_expired: "Your sign-in has ended.",
  token_revoked: "Your sign-in was ended.",
};

/** Signing in anew without leaving the page. */
export interface Renewal {
  /** Why another token is needed; undefined if none is, null if there was none yet. */
  readonly problem: string | null | undefined;
  /** When the token ends, if that is soon, on the clock of `Date.now()`. */
  readonly endsAt: number | null;
  /** Whether the reader is asked for another token. */
  readonly isAsking: boolean;
  readonly ask: () => void;
  readonly dismiss: () => void;
  readonly renew: (token: string) => void;
}

/** What another token would cure of this error; undefined if nothing. */
function problemOf(error: Error | null): string | null | undefined {
  return error instanceof LongwireError ? PROBLEMS[error.code] : undefined;
}

/** Whether the reader wants to be asked: by themselves, or because of that error. */
type Asking = { readonly isWanted: boolean; readonly about: Error | null };

/** Follows the token to its end, and puts another in its place. */
export function useRenewal(): Renewal {
  const client = useClient();
  const tokens = useContext(TokensContext);
  const { error } = useConnection();
  const [endsAt, setEndsAt] = useState<number | null>(null);
  const [asking, setAsking] = useState<Asking>({ isWanted: false, about: null });
  const offered = useRef<string | null>(null);
  const problem = problemOf(error);
  // A new problem asks by itself, once.
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
