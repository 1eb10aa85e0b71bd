import { createContext } from "react";

/** Signs in with a token. */
export const SignInContext = createContext<(token: string) => void>(() => undefined);
