/**
 * Calls back when waiting longer makes no sense: the network is back, or the page is looked at
 * again. Outside a browser it never does.
 */
export function onWake(callback: () => void): () => void {
  const stop = new AbortController();
  const whenVisible = (): void => {
    if (document.visibilityState !== "hidden") callback();
  };
  if (typeof document !== "undefined") {
    // `visibilitychange` is the document's, and bubbles.
    for (const event of ["online", "pageshow", "visibilitychange"]) {
      window.addEventListener(event, whenVisible, { signal: stop.signal });
    }
  }
  return () => stop.abort();
}
