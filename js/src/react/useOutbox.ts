import { useMemo } from "react";

import { createOutbox, type Outbox, type OutboxOptions, type OutboxSnapshot } from "../outbox.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

/** The state of an outbox, with functions that act on it. */
export interface OutboxView extends OutboxSnapshot, Pick<Outbox, "publish" | "retry" | "discard"> {}

const EMPTY: OutboxSnapshot = Object.freeze({
  pending: [],
  failed: [],
  oldest: null,
  storage: "none",
});

const whole = (outbox: OutboxSnapshot): OutboxSnapshot => outbox;

/**
 * Returns the outbox of the provider's client: what waits to be confirmed, and what failed.
 *
 * @param options used by the first call, which creates the outbox; see `createOutbox`.
 */
export function useOutbox(options?: OutboxOptions): OutboxView {
  const client = useClient();
  const outbox = createOutbox(client, options);
  const snapshot = useReadable(outbox, EMPTY, whole);
  return useMemo(() => {
    const { publish, retry, discard } = outbox;
    return { ...snapshot, publish, retry, discard };
  }, [snapshot, outbox]);
}
