import { type ReactElement, useState } from "react";

import { Session } from "./session/Session";
import { SignIn } from "./session/SignIn";
import { TokensContext } from "./session/TokensContext";
import type { TokenStore } from "./session/token";

interface SignInState {
  /** The number of this sign-in. Each one has its own connection. */
  readonly number: number;
  readonly token: string | null;
  readonly isSignedOut: boolean;
}

/** A session for each token, and the sign-in page after a sign-out. */
export function App({ tokens }: { readonly tokens: TokenStore }): ReactElement {
  const [signIn, setSignIn] = useState<SignInState>(() => ({
    number: 0,
    token: tokens.read(),
    isSignedOut: false,
  }));
  function begin(token: string | null): void {
    tokens.write(token);
    setSignIn({ number: signIn.number + 1, token, isSignedOut: token === null });
  }
  if (signIn.isSignedOut) return <SignIn problem={null} onToken={begin} />;
  return (
    <TokensContext value={tokens}>
      <Session
        key={signIn.number}
        token={signIn.token}
        onToken={begin}
        onSignOut={() => begin(null)}
      />
    </TokensContext>
  );
}
