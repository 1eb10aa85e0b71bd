/** Returns a URL if it is safe to link to, with http or https; null otherwise. */
export function safeHref(address: string): string | null {
  try {
    const { protocol, href } = new URL(address, document.baseURI);
    return protocol === "http:" || protocol === "https:" ? href : null;
  } catch {
    return null;
  }
}
