import type { ReactElement, ReactNode } from "react";

import type { TokenSource } from "../index.js";
import { LongwireProvider } from "../react/provider.js";
import { getWebSocketClient } from "./client.js";

/** Props of `WebSocketProvider`. */
export interface WebSocketProviderProps {
  /** The token to sign in with, or a function that returns one. Null signs out. */
  token: TokenSource | null | undefined;
  /** The page. */
  children?: ReactNode;
}

/**
 * Keeps the page's client connected while mounted, with the token of the signed-in user: what the
 * hooks of the specification did one by one.
 */
export function WebSocketProvider({ token, children }: WebSocketProviderProps): ReactElement {
  return (
    <LongwireProvider client={getWebSocketClient().client} token={token}>
      {children}
    </LongwireProvider>
  );
}
