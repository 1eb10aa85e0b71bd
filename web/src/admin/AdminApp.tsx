import { LiveRegionProvider, Toasts, useToasts } from "longwire/react";
import { type ReactElement, useCallback, useEffect, useMemo, useState } from "react";

import type { TokenStore } from "../session/token";
import { ToastsContext } from "../shell/ToastsContext";
import { Api } from "./api/Api";
import { SessionContext } from "./api/context";
import { usePlace } from "./routing/usePlace";
import { AdminMasthead } from "./shell/AdminMasthead";
import { AdminNav } from "./shell/AdminNav";
import { SignInContext } from "./shell/SignInContext";
import { PlaceView } from "./views/PlaceView";

/** Moves the focus without changing the address, which holds the view. */
function skipToMain(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Page({ tokens }: { readonly tokens: TokenStore }): ReactElement {
  const place = usePlace();
  const [isPaused, setPaused] = useState(false);
  const toasts = useToasts();
  const [api, setApi] = useState(() => new Api(document.baseURI, tokens));
  const session = useMemo(() => ({ api, isPaused }), [api, isPaused]);
  const signIn = useCallback(
    (token: string) => {
      tokens.write(token);
      // Each sign-in has its own API, so that no answer to another user is shown.
      setApi(new Api(document.baseURI, tokens));
    },
    [tokens],
  );
  useEffect(() => {
    // In braces: in newer browsers it returns a promise, which is not a clean-up.
    window.scrollTo(0, 0);
  }, [place.view]);
  return (
    <SessionContext value={session}>
      <SignInContext value={signIn}>
        <ToastsContext value={toasts}>
          <a className="skip" href="#main" onClick={skipToMain}>
            Skip to content
          </a>
          <AdminMasthead isPaused={isPaused} onPause={setPaused} />
          <AdminNav current={place.view} />
          <main id="main" className="admin" tabIndex={-1}>
            <PlaceView place={place} />
          </main>
          <Toasts queue={toasts} className="toasts" />
        </ToastsContext>
      </SignInContext>
    </SessionContext>
  );
}

/** The admin page. */
export function AdminApp({ tokens }: { readonly tokens: TokenStore }): ReactElement {
  return (
    <LiveRegionProvider>
      <Page tokens={tokens} />
    </LiveRegionProvider>
  );
}
