import { useConnection, useConnectionNotice } from "longwire/react";
import type { ReactElement, ReactNode } from "react";

import { ConnectionNotice } from "../connection/ConnectionNotice";
import { type WireState, wireStateOf } from "../connection/wireState";
import type { Renewal } from "../session/useRenewal";
import { Header } from "./Header";

const WORDS: Readonly<Record<WireState, string>> = {
  connecting: "Connecting…",
  live: "Live",
  lost: "Reconnecting…",
  refused: "Not connected",
};

const HOME = (
  <a className="wordmark" href="#/jobs">
    Longwire
  </a>
);

/** The head of a page without a connection. */
export function PlainMasthead(): ReactElement {
  return <Header home={HOME} wire={<div className="wire" data-state="idle" />} />;
}

interface MastheadProps {
  readonly renewal: Renewal;
  readonly children?: ReactNode;
}

/** The head of a page. Its line, the wire, shows the state of the connection. */
export function Masthead({ renewal, children }: MastheadProps): ReactElement {
  const connection = useConnection();
  const { latencyMs } = connection;
  const state = wireStateOf(connection, useConnectionNotice());
  const title = latencyMs === null ? undefined : `Round trip ${latencyMs} ms`;
  const wire = (
    <>
      <div className="wire" data-state={state}>
        <ConnectionNotice renewal={renewal} />
      </div>
      <span className="wire-state" title={title}>
        <span className="visually-hidden">Connection: </span>
        {WORDS[state]}
      </span>
    </>
  );
  return (
    <Header home={HOME} wire={wire}>
      {children}
    </Header>
  );
}
