import { useEffect } from "react";

import type { Incoming } from "../index.js";
import { useClient } from "./provider.js";
import { useLatestRef } from "./useLatestRef.js";

/** Calls the handler of the last render for each event of this name. The handler need not be memoized. */
export function useEvent<K extends keyof Incoming>(event: K, handler: Incoming[K]): void {
  const client = useClient();
  const latest = useLatestRef(handler);
  useEffect(() => {
    const call = (...args: unknown[]): void => {
      (latest.current as (...args: unknown[]) => void)(...args);
    };
    return client.on(event, call);
  }, [client, event, latest]);
}
