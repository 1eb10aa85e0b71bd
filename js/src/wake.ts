const EVENTS = ["online", "pageshow", "visibilitychange"];

/**
 * Calls back when the network returns or the page becomes visible, which is when a delayed attempt
 * should not wait any longer. Does nothing outside a browser. Returns a function that stops it.
 */
export function onWake(callback: () => void): () => void {
  if (typeof document === "undefined") return () => undefined;
  const whenVisible = (): void => {
    if (!document.hidden) callback();
  };
  // `visibilitychange` is dispatched on the document and bubbles to the window.
  for (const event of EVENTS) addEventListener(event, whenVisible);
  return () => {
    for (const event of EVENTS) removeEventListener(event, whenVisible);
  };
}
