/**
 * Calls back when waiting longer makes no sense: the network is back, or the page is looked at
 * again. Outside a browser it never does.
 */
export function onWake(callback: () => void): () => void {
  if (typeof window === "undefined") return () => undefined;
  const whenVisible = (): void => {
    if (document.visibilityState === "visible") callback();
  };
  window.addEventListener("online", callback);
  window.addEventListener("pageshow", callback);
  document.addEventListener("visibilitychange", whenVisible);
  return () => {
    window.removeEventListener("online", callback);
    window.removeEventListener("pageshow", callback);
    document.removeEventListener("visibilitychange", whenVisible);
  };
}
