/** The contract of the application, which types the client and the hooks. */

import type { ClientToServerEvents, EVENTS, ServerToClientEvents } from "./contract.js";

/**
 * The contract of the application. It is empty here, and stands for Longwire's catalog.
 *
 * The module that `longwire types app:server` writes declares its member `contract`, so that every
 * client and hook of the application is typed by it:
 *
 * ```ts
 * declare module "longwire" {
 *   interface Register {
 *     contract: RegisteredContract;
 *   }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface Register {}

/** The members of a contract that types are derived from. */
interface ContractTypes {
  received: object;
  sent: object;
  events: object;
}

interface CatalogTypes {
  received: ServerToClientEvents;
  sent: ClientToServerEvents;
  events: typeof EVENTS;
}

type Registered = Register extends { contract: infer T extends ContractTypes } ? T : CatalogTypes;

/** Events that the server sends, by the contract of the application or else the catalog. */
export type ReceivedEvents = Registered["received"];

/** Events that clients send, by the contract of the application or else the catalog. */
export type SentEvents = Registered["sent"];

/** The events of the contract, each with its room and conflation. */
export type RegisteredEvents = Registered["events"];

/** The name of an event of the contract that the server sends. */
export type ReceivedName = Extract<keyof RegisteredEvents, keyof ReceivedEvents>;

type DataOf<F> = F extends (data: infer T) => void ? T : never;

/** The payload of an event: that of the application's contract, or else that of the catalog. */
export type Payload<K extends string> = K extends keyof ReceivedEvents
  ? DataOf<ReceivedEvents[K]>
  : K extends keyof ServerToClientEvents
    ? DataOf<ServerToClientEvents[K]>
    : never;

/** The fields by which entries of an event conflate; `never` for an event that keeps each entry. */
export type KeyField<K extends ReceivedName> = RegisteredEvents[K] extends {
  conflate: { key: readonly (infer F)[] };
}
  ? Extract<F, keyof Payload<K>>
  : never;
