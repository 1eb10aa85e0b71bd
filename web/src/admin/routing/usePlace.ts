import { useMemo, useSyncExternalStore } from "react";

import { type Place, parsePlace } from "./place";

const NAVIGATED = "longwire:navigated";

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  window.addEventListener(NAVIGATED, listener);
  return () => {
    window.removeEventListener("popstate", listener);
    window.removeEventListener(NAVIGATED, listener);
  };
}

/** Returns the place of the current address, and follows its changes. */
export function usePlace(): Place {
  const href = useSyncExternalStore(subscribe, () => window.location.href);
  return useMemo(() => parsePlace(new URL(href)), [href]);
}

interface NavigateOptions {
  /** Replaces the entry of the history, as for a search that is still being typed. */
  readonly replace?: boolean;
}

/** Goes to a relative address without loading the page. */
export function navigate(href: string, { replace = false }: NavigateOptions = {}): void {
  const url = new URL(href, document.baseURI).href;
  if (replace) window.history.replaceState(null, "", url);
  else window.history.pushState(null, "", url);
  window.dispatchEvent(new Event(NAVIGATED));
}
