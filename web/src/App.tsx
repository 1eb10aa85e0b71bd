import { type ReactElement, useState } from "react";

import { Session } from "./session/Session";
import { SignIn } from "./session/SignIn";
import { TokensContext } from "./session/TokensContext";
import type { TokenStore } from "./session/token";

interface Visit {
  /** Counts the sign-ins: each has a connection of its own. */
  readonly number: number;
  readonly token: string | null;
  readonly isSignedOut: boolean;
}

/** Who is here: a session for each token, the sign-in page after a sign-out. */
export function App({ tokens }: { readonly tokens: TokenStore }): ReactElement {
  const [visit, setVisit] = useState<Visit>(() => ({
    number: 0,
    token: tokens.read(),
    isSignedOut: false,
  }));
  function begin(token: string | null): void {
    tokens.write(token);
    setVisit({ number: visit.number + 1, token, isSignedOut: token === null });
  }
  if (visit.isSignedOut) return <SignIn problem={null} onToken={begin} />;
  return (
    <TokensContext value={tokens}>
      <Session
        key={visit.number}
        token={visit.token}
        onToken={begin}
        onSignOut={() => begin(null)}
      />
    </TokensContext>
  );
}
