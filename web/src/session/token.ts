/** The token of the user: taken from the address once, and stored for this tab only. */

const KEY = "longwire.token";

interface Place {
  readonly hash: string;
  readonly pathname: string;
  readonly search: string;
}

/** A token in a fragment, and the fragment without it. */
export interface TakenToken {
  readonly token: string | null;
  readonly hash: string;
}

/**
 * Removes the token from a fragment: `#token=T`, `#token=T&to=/jobs/ID` or `#/jobs/ID?token=T`.
 * The rest is the route.
 */
export function takeToken(hash: string): TakenToken {
  const [path, query] = splitFragment(hash.replace(/^#/, ""));
  const token = query.get("token");
  if (token === null) return { token: null, hash };
  query.delete("token");
  const to = query.get("to") ?? "";
  query.delete("to");
  const place = to.startsWith("/") ? to : path;
  const rest = query.size > 0 ? `?${query.toString()}` : "";
  return { token: token.trim() || null, hash: place ? `#${place}${rest}` : "" };
}

/** Splits a fragment, which is a path with an optional query, or a query alone. */
function splitFragment(fragment: string): [path: string, query: URLSearchParams] {
  if (!fragment.startsWith("/")) return ["", new URLSearchParams(fragment)];
  const [path = "", query = ""] = fragment.split("?", 2);
  return [path, new URLSearchParams(query)];
}

/** Stores the token in session storage, or in memory if storage is not available. */
export class TokenStore {
  readonly #storage: Storage | null;
  #token: string | null = null;

  constructor(storage: Storage | null) {
    this.#storage = storage;
  }

  read(): string | null {
    return this.#storage?.getItem(KEY) ?? this.#token;
  }

  write(token: string | null): void {
    this.#token = token;
    try {
      if (token === null) this.#storage?.removeItem(KEY);
      else this.#storage?.setItem(KEY, token);
    } catch {
      // Storage is full or not allowed: the token stays in memory.
    }
  }
}

/**
 * Moves a token from the address to the store, so that it is not copied or bookmarked with it.
 * Returns whether there was one.
 */
export function adoptToken(place: Place, history: History, store: TokenStore): boolean {
  const taken = takeToken(place.hash);
  if (taken.token === null) return false;
  store.write(taken.token);
  history.replaceState(null, "", place.pathname + place.search + taken.hash);
  return true;
}
