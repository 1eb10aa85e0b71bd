/**
 * Publications that survive a lost connection and the page.
 *
 * @module longwire/outbox
 */

import type { WebSocketClient } from "./client.js";
import { Outbox, type OutboxOptions } from "./outbox/outbox.js";
import type { ReceivedEvents, SentEvents } from "./registration.js";
import type { EventMap } from "./types.js";

export type { OutboxEntry, OutboxFailure } from "./outbox/entries.js";
export type { OutboxOptions, OutboxSnapshot, OutboxStorage } from "./outbox/outbox.js";
export { Outbox };

const outboxes = new WeakMap<object, Outbox>();

/**
 * Returns the outbox of a client. The first call creates it, with its options, and it begins to send
 * what an earlier page has left.
 *
 * ```ts
 * const outbox = createOutbox(client);
 * const id = await outbox.publish("announcement", { message: "Hello", level: "info" });
 * ```
 */
export function createOutbox<
  L extends EventMap<L> = ReceivedEvents,
  E extends EventMap<E> = SentEvents,
>(client: WebSocketClient<L, E>, options: OutboxOptions = {}): Outbox<L> {
  let outbox = outboxes.get(client);
  if (!outbox) {
    outbox = new Outbox(client, options);
    outboxes.set(client, outbox);
  }
  // The types are those of the client's contract.
  return outbox as unknown as Outbox<L>;
}
