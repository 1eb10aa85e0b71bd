/** Where the server is: beside the page, below whatever path the two are mounted at. */
export interface Endpoint {
  /** The path of the Socket.IO endpoint. */
  readonly path: string;
  readonly apiUrl: string;
}

/** The endpoints that belong to a page at this address. */
export function endpointOf(pageUrl: string): Endpoint {
  return {
    path: new URL("socket.io/", pageUrl).pathname,
    apiUrl: new URL("api", pageUrl).href,
  };
}
