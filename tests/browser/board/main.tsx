/**
 * A page of an application with its own contract: a card that several people move and describe, and
 * remarks that wait in the outbox. The fragment is the token.
 */
import { createClient } from "longwire";
import { LongwireProvider, useConnection, useOutbox, useShared } from "longwire/react";
import { type ReactElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { CONTRACT_FINGERPRINT, EVENTS } from "./contract";

const BOARD = "1";
const ROOM = `board:${BOARD}`;
const CARD = { card: "a" };
const COLUMNS = ["doing", "done", "dropped"] as const;

const client = createClient(undefined, {
  token: window.location.hash.slice(1),
  contract: CONTRACT_FINGERPRINT,
  events: EVENTS,
  reconnectionDelay: 100,
  reconnectionDelayMax: 500,
});

function Place(): ReactElement {
  const { value, pending, conflict, update, dismiss } = useShared("card:moved", ROOM, CARD);
  const columnOf = (change: { column: string } | null) => change?.column ?? "nowhere";
  return (
    <section aria-label="Place">
      <p>
        In {columnOf(value)}
        {pending && ", saving"}
      </p>
      {COLUMNS.map((column) => (
        <button key={column} onClick={() => void update({ board: BOARD, column })}>
          Move to {column}
        </button>
      ))}
      {conflict && (
        <p role="alert">
          Mine: {columnOf(conflict.mine)}. Theirs: {columnOf(conflict.theirs)}. Before:{" "}
          {columnOf(conflict.base)}.
          <button onClick={() => void update(conflict.mine)}>Use mine</button>
          <button onClick={dismiss}>Keep theirs</button>
        </p>
      )}
    </section>
  );
}

function Description(): ReactElement {
  const { value, pending, conflict, update } = useShared("card:described", ROOM, CARD);
  const vote = () => void update((current) => ({ board: BOARD, votes: (current?.votes ?? 0) + 1 }));
  return (
    <section aria-label="Description">
      <p>
        Title: {value?.title ?? "none"}. Note: {value?.note ?? "none"}. Votes: {value?.votes ?? 0}
        {pending && ", saving"}
        {conflict && ", overtaken"}
      </p>
      <button onClick={() => void update({ board: BOARD, title: "Tea" })}>Set the title</button>
      <button onClick={() => void update({ board: BOARD, note: "Green" })}>Set the note</button>
      <button onClick={() => void update({ board: BOARD, note: null })}>Remove the note</button>
      <button onClick={vote}>Vote</button>
    </section>
  );
}

function Remarks(): ReactElement {
  const { pending, failed, storage, publish } = useOutbox();
  const remark = (text: string) => publish("card:remark", { board: BOARD, text });
  const remarkTwice = () => void Promise.all([remark("first"), remark("second")]);
  return (
    <section aria-label="Remarks">
      <p>
        {pending.length} pending, {failed.length} failed, in {storage}
      </p>
      <button onClick={() => void remark("hello")}>Remark</button>
      <button onClick={remarkTwice}>Remark twice</button>
    </section>
  );
}

function Page(): ReactElement {
  return (
    <>
      <p role="status">{useConnection().state}</p>
      <Place />
      <Description />
      <Remarks />
    </>
  );
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <LongwireProvider client={client}>
        <Page />
      </LongwireProvider>
    </StrictMode>,
  );
}
