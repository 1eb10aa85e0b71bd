/** The addresses of the server, next to the page below the same path. */
export interface Endpoint {
  /** The path of the Socket.IO endpoint. */
  readonly path: string;
  /** The address of the HTTP interface. */
  readonly apiUrl: string;
}

/** Returns the addresses for a page at this URL. */
export function endpointOf(pageUrl: string): Endpoint {
  return {
    path: new URL("socket.io/", pageUrl).pathname,
    apiUrl: new URL("api", pageUrl).href,
  };
}
