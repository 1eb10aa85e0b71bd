import { cleanup, configure } from "@testing-library/react";
import { createElement, type ReactElement, type ReactNode } from "react";
import { afterEach } from "vitest";

import type { WebSocketClient } from "../../src/index.js";
import { LongwireProvider } from "../../src/react/index.js";

// At the root: below another component it would not run effects twice.
configure({ reactStrictMode: true });

afterEach(cleanup);

/** A wrapper for `render`: the client. */
export function withClient(
  client: WebSocketClient,
): (props: { children: ReactNode }) => ReactElement {
  return ({ children }) => createElement(LongwireProvider, { client }, children);
}
