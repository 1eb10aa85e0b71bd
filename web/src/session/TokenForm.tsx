import { type ReactElement, type SubmitEvent, useEffect, useId, useRef, useState } from "react";

export interface TokenFormProps {
  /** Why the last token was rejected, or null. */
  readonly problem: string | null;
  readonly onToken: (token: string) => void;
}

/** A form for a token, with help on getting one. Takes the focus. */
export function TokenForm({ problem, onToken }: TokenFormProps): ReactElement {
  const [value, setValue] = useState("");
  const [isMissing, setMissing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const [fieldId, helpId, errorId] = [useId(), useId(), useId()];
  useEffect(() => field.current?.focus(), []);
  const error = isMissing ? "Paste a token first." : problem;

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const token = value.trim();
    setMissing(token === "");
    if (token !== "") onToken(token);
  }

  return (
    <form className="token-form" onSubmit={submit} noValidate>
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
        Create one on the machine that runs the server:
        <code>longwire token --user YOU</code>
        The token stays in this tab until you close it.
      </p>
      <button type="submit" className="primary">
        Sign in
      </button>
    </form>
  );
}
