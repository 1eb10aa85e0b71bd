/**
 * Calls back when waiting longer makes no sense: the network is back, or the page is looked at
 * again. Outside a browser it never does.
 */
export function onWake(callback: () => void): () => void {
  const stop = new AbortController();
  const whenVisible = (): void => {
    if (document.visibilityState !== "hidden") callback();
  };
  if (typeof window !== "undefined") {
    for (const event of ["online", "pageshow", "visibilitychange"]) {
      const target = event === "visibilitychange" ? document : window;
      target.addEventListener(event, whenVisible, { signal: stop.signal });
    }
  }
  return () => stop.abort();
}
