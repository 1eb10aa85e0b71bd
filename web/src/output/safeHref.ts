/** An address that a reader may be led to: nothing but the web. */
export function safeHref(address: string): string | null {
  try {
    const { protocol, href } = new URL(address, document.baseURI);
    return protocol === "http:" || protocol === "https:" ? href : null;
  } catch {
    return null;
  }
}
