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

import { CatalogStore } from "../catalogStore.js";
import {
  type ClientOptions,
  createClient,
  type TokenSource,
  type WebSocketClient,
} from "../index.js";
import { useLatestRef } from "./useLatestRef.js";

interface Provided {
  readonly client: WebSocketClient;
  readonly catalog: CatalogStore;
}

const ProvidedContext = createContext<Provided | null>(null);

/** Props that every provider has. */
interface CommonProps {
  children?: ReactNode;
}

/** Props of `LongwireProvider`: a client of your own, or the options to create one. */
export type LongwireProviderProps = CommonProps &
  (
    | {
        client: WebSocketClient;
        /** The token to sign the client in with. Undefined leaves its token as it is. */
        token?: TokenSource | null | undefined;
        url?: never;
        options?: never;
      }
    | {
        client?: never;
        /** The server's address. Default: that of the page. */
        url?: string | undefined;
        /**
         * The token to sign in with. Null signs out: the client discards its state and waits for a
         * token. Undefined connects without one.
         */
        token?: TokenSource | null | undefined;
        /** Options of the client; read once, when it is created for this `url`. */
        options?: Omit<ClientOptions, "token" | "autoConnect"> | undefined;
      }
  );

/**
 * Provides a client to its children and keeps it connected while mounted. A new `token` of the same
 * user renews the sign-in; another user, `url` or `client` opens a new connection.
 */
export function LongwireProvider(props: LongwireProviderProps): ReactElement {
  if (props.client) {
    return (
      <Connected client={props.client} token={props.token}>
        {props.children}
      </Connected>
    );
  }
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
  const latest = useLatestRef(token);
  // A stable function: StrictMode runs effects twice, and `setToken` must see the same one.
  const provider = useCallback(() => readToken(latest.current), [latest]);
  const source = typeof token === "function" ? provider : token;
  const signedIn = useRef(false);
  const provided = useMemo(() => ({ client, catalog: new CatalogStore(client) }), [client]);
  // Effects run in this order: handlers and token are set before the client connects.
  useEffect(() => provided.catalog.listen(), [provided]);
  useEffect(() => {
    // Without a token before, there is nothing to sign out: the application may own the client.
    if (source || signedIn.current) client.setToken(source ?? null);
    signedIn.current = !!source;
  }, [client, source]);
  // Signing out closes the retained connection, so each new source has to retain it again.
  useEffect(() => (source === null ? undefined : client.retain()), [client, source]);
  return <ProvidedContext.Provider value={provided}>{children}</ProvidedContext.Provider>;
}

function readToken(token: TokenSource | null | undefined): string | null | Promise<string | null> {
  return typeof token === "function" ? token() : (token ?? null);
}

const fallback: { client: (() => WebSocketClient) | null } = { client: null };

/** Sets the client of components without a provider; `longwire/compat` has one. */
export function setDefaultClient(client: () => WebSocketClient): void {
  fallback.client = client;
}

function required<T>(provided: T | null): T {
  if (!provided) throw new Error("No <LongwireProvider> above this component.");
  return provided;
}

/**
 * Returns the client of the nearest `LongwireProvider`.
 *
 * @throws Error if there is none.
 */
export function useClient(): WebSocketClient {
  const provided = useContext(ProvidedContext);
  return provided?.client ?? required(fallback.client)();
}

/** Returns the events of the catalog that the nearest `LongwireProvider` has stored. */
export function useCatalogStore(): CatalogStore {
  return required(useContext(ProvidedContext)).catalog;
}
