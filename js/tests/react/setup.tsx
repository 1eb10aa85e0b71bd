import { cleanup, configure } from "@testing-library/react";
import { createElement, type ReactElement, type ReactNode } from "react";
import { afterEach } from "vitest";

import type { WebSocketClient } from "../../src/index.js";
import { LongwireProvider } from "../../src/react/index.js";

// StrictMode has to be the root: below another component it does not run effects twice.
configure({ reactStrictMode: true });

afterEach(cleanup);

/** Returns a wrapper for `render` that provides the client. */
export function withClient(
  client: WebSocketClient,
): (props: { children: ReactNode }) => ReactElement {
  return ({ children }) => createElement(LongwireProvider, { client }, children);
}
