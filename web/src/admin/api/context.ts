import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from "react";

import { TokenStore } from "../../session/token";
import { Api } from "./Api";
import { type PageState, Poller } from "./Poller";

/** Shared by all views of the page. */
export interface Session {
  readonly api: Api;
  readonly isPaused: boolean;
}

export const SessionContext = createContext<Session>({
  api: new Api("http://localhost/", new TokenStore(null)),
  isPaused: false,
});

export function useApi(): Api {
  return useContext(SessionContext).api;
}

/** Follows one page of the API, addressed below `api/`. */
export function usePage<T>(path: string): PageState<T> {
  const { api, isPaused } = useContext(SessionContext);
  const poller = useMemo(() => new Poller<T>((at, signal) => api.get<T>(at, signal)), [api]);
  useEffect(() => poller.follow(path, isPaused), [poller, path, isPaused]);
  return useSyncExternalStore(poller.subscribe, poller.state);
}
