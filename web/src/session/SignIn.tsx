import { type ReactElement, useEffect, useRef } from "react";

import { PlainMasthead } from "../shell/Masthead";
import { usePageTitle } from "../shell/usePageTitle";
import { TokenForm, type TokenFormProps } from "./TokenForm";

/** The sign-in page. */
export function SignIn(props: TokenFormProps): ReactElement {
  usePageTitle("Sign in");
  return (
    <>
      <PlainMasthead />
      <main className="sign-in">
        <h1>Sign in</h1>
        <TokenForm {...props} />
      </main>
    </>
  );
}

interface SignInDialogProps extends TokenFormProps {
  readonly onClose: () => void;
}

/** Asks for another token in front of the page, which keeps its state. */
export function SignInDialog({ onClose, ...props }: SignInDialogProps): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="sign-in-dialog"
      aria-labelledby="sign-in-again"
      onCancel={onClose}
    >
      <h2 id="sign-in-again">Sign in again</h2>
      <p className="dialog-lead">The page keeps its state and continues where it was.</p>
      <TokenForm {...props} />
      <button type="button" className="quiet dialog-close" onClick={onClose}>
        Not now
      </button>
    </dialog>
  );
}
