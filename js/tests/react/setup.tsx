import { cleanup } from "@testing-library/react";
import { createElement, type ReactElement, type ReactNode, StrictMode } from "react";
import { afterEach } from "vitest";

import type { WebSocketClient } from "../../src/index.js";
import { LongwireProvider } from "../../src/react/index.js";

afterEach(cleanup);

/** A wrapper for `render`: the client, in strict mode. */
export function withClient(
  client: WebSocketClient,
): (props: { children: ReactNode }) => ReactElement {
  return ({ children }) =>
    createElement(StrictMode, null, createElement(LongwireProvider, { client }, children));
}
