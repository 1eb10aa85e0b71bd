import {
  createContext,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";

import { Facts } from "../facts.js";
import {
  type ClientOptions,
  createClient,
  type TokenSource,
  type WebSocketClient,
} from "../index.js";
import { useLatest } from "./useLatest.js";

interface Provided {
  readonly client: WebSocketClient;
  readonly facts: Facts;
}

const ProvidedContext = createContext<Provided | null>(null);

interface CommonProps {
  children?: ReactNode;
}

/** Either a client of your own, or what it takes to create one. */
export type LongwireProviderProps = CommonProps &
  (
    | { client: WebSocketClient; url?: never; token?: never; options?: never }
    | {
        client?: never;
        /** The server's address; by default the page's own. */
        url?: string | undefined;
        /**
         * Who signs in. `null`: nobody yet, or no more: what was heard is forgotten, and the
         * connection waits for a token. Absent: connect without one.
         */
        token?: TokenSource | null | undefined;
        /** Read once, when the client is created for this `url`. */
        options?: Omit<ClientOptions, "token" | "autoConnect"> | undefined;
      }
  );

/**
 * Gives the tree below it one client, connected while it is mounted. A new `token` of the same user
 * is taken in place; another user, `url` or `client` is a new connection.
 */
export function LongwireProvider(props: LongwireProviderProps): ReactElement {
  if (props.client) return <Connected client={props.client}>{props.children}</Connected>;
  return <OwnClient key={props.url} {...props} />;
}

type OwnProps = Extract<LongwireProviderProps, { client?: never }>;

function OwnClient({ url, token, options, children }: OwnProps): ReactElement {
  const [client] = useState(() => createClient(url, options));
  return (
    <Connected client={client} token={token}>
      {children}
    </Connected>
  );
}

interface ConnectedProps extends CommonProps {
  client: WebSocketClient;
  token?: TokenSource | null | undefined;
}

function Connected({ client, token, children }: ConnectedProps): ReactElement {
  const latest = useLatest(token);
  // The same function for ever, so that effects that run twice set it once.
  const provider = useCallback(() => ask(latest.current), [latest]);
  const source = typeof token === "function" ? provider : token;
  const signedIn = useRef(false);
  const provided = useMemo(() => ({ client, facts: new Facts(client) }), [client]);
  // Ears and token before the connection: effects run in this order.
  useEffect(() => provided.facts.listen(), [provided]);
  useEffect(() => {
    // Nobody signs out who was not signed in here: the client may be somebody else's.
    if (source || signedIn.current) client.setToken(source ?? null);
    signedIn.current = !!source;
  }, [client, source]);
  // Anew for each source: who signs out closes the connection that was retained for them.
  useEffect(() => (source === null ? undefined : client.retain()), [client, source]);
  return <ProvidedContext.Provider value={provided}>{children}</ProvidedContext.Provider>;
}

function ask(token: TokenSource | null | undefined): string | null | Promise<string | null> {
  return typeof token === "function" ? token() : (token ?? null);
}

function useProvided(): Provided {
  const provided = useContext(ProvidedContext);
  if (!provided) throw new Error("This component needs a <LongwireProvider> above it.");
  return provided;
}

/**
 * The client of the nearest `LongwireProvider`.
 *
 * @throws Error outside of one.
 */
export function useClient(): WebSocketClient {
  return useProvided().client;
}

/** What the client of the nearest `LongwireProvider` heard since that was mounted. */
export function useFacts(): Facts {
  return useProvided().facts;
}
