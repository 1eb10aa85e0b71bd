const EVENTS = ["online", "pageshow", "visibilitychange"];

/**
 * Calls back when waiting longer makes no sense: the network is back, or the page is looked at
 * again. Outside a browser it never does.
 */
export function onWake(callback: () => void): () => void {
  if (typeof document === "undefined") return () => undefined;
  const whenVisible = (): void => {
    if (!document.hidden) callback();
  };
  // `visibilitychange` is the document's, and bubbles.
  for (const event of EVENTS) addEventListener(event, whenVisible);
  return () => {
    for (const event of EVENTS) removeEventListener(event, whenVisible);
  };
}
