import { useClient, useConnection } from "longwire/react";
import { useContext, useEffect, useState } from "react";

import { TokensContext } from "../session/TokensContext";
import { fetchRooms } from "./fetchRooms";

const REFRESH_MS = 30_000;

const NONE: readonly string[] = [];

/**
 * Returns the rooms with this prefix that have events, the last changed first. Fetches them at each
 * connect, and every half minute while the page is visible; keeps the last list if that fails.
 */
export function useRooms(prefix: string): readonly string[] {
  const { apiUrl } = useClient().settings;
  const tokens = useContext(TokensContext);
  const { isConnected } = useConnection();
  const [rooms, setRooms] = useState(NONE);
  useEffect(() => {
    if (!isConnected) return undefined;
    const stop = new AbortController();
    const refresh = (): void => {
      if (document.visibilityState === "hidden") return;
      fetchRooms(apiUrl, tokens.read(), prefix, stop.signal).then(setRooms, () => undefined);
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    document.addEventListener("visibilitychange", refresh, { signal: stop.signal });
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [apiUrl, isConnected, prefix, tokens]);
  return rooms;
}
