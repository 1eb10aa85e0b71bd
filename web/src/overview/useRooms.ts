import { useClient, useConnection } from "longwire/react";
import { useContext, useEffect, useState } from "react";

import { TokensContext } from "../session/TokensContext";
import { fetchRooms } from "./fetchRooms";

/** Who looks at the page for longer than this is told what is new. */
const REFRESH_MS = 30_000;

const NONE: readonly string[] = [];

/**
 * The rooms that begin so and hold something, the most recently written first: asked for at each
 * connect, and every half minute while the page is looked at. Keeps the last answer if there is
 * none.
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
