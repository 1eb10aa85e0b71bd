import { type ReactElement, type SubmitEvent, useEffect, useId, useRef, useState } from "react";

import { Masthead } from "../shell/Masthead";
import { usePageTitle } from "../shell/usePageTitle";

interface SignInProps {
  /** Why the last token was not taken, or null. */
  readonly problem: string | null;
  readonly onToken: (token: string) => void;
}

/** Asks for a token. */
export function SignIn({ problem, onToken }: SignInProps): ReactElement {
  const [value, setValue] = useState("");
  const [isMissing, setMissing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const [fieldId, helpId, errorId] = [useId(), useId(), useId()];
  usePageTitle("Sign in");
  useEffect(() => field.current?.focus(), []);
  const error = isMissing ? "Paste a token first." : problem;

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const token = value.trim();
    setMissing(token === "");
    if (token !== "") onToken(token);
  }

  return (
    <>
      <Masthead health={null} />
      <main className="sign-in">
        <h1>Sign in</h1>
        <form onSubmit={submit} noValidate>
          <label htmlFor={fieldId}>Access token</label>
          <input
            id={fieldId}
            ref={field}
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={value}
            aria-invalid={error !== null}
            aria-describedby={`${error === null ? "" : errorId} ${helpId}`}
            onChange={(event) => setValue(event.target.value)}
          />
          {error !== null && (
            <p className="problem" id={errorId} role="alert">
              {error}
            </p>
          )}
          <p className="help" id={helpId}>
            Get one on the machine that runs the server:
            <code>longwire token --user YOU</code>
            It stays in this tab, and is forgotten when you close it.
          </p>
          <button type="submit" className="primary">
            Sign in
          </button>
        </form>
      </main>
    </>
  );
}
