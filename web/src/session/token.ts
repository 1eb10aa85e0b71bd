/** The token that signs the reader in: given in the address once, kept for this tab only. */

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
 * Takes the token out of a fragment: `#token=T`, `#token=T&to=/jobs/ID` or `#/jobs/ID?token=T`.
 * What remains is the place to go to.
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

/** A fragment is a path, with a query or without, or a query alone. */
function splitFragment(fragment: string): [path: string, query: URLSearchParams] {
  if (!fragment.startsWith("/")) return ["", new URLSearchParams(fragment)];
  const [path = "", query = ""] = fragment.split("?", 2);
  return [path, new URLSearchParams(query)];
}

/** Where a tab keeps its token: session storage, or memory where storage is forbidden. */
export class TokenStore {
  #token: string | null = null;

  constructor(private readonly storage: Storage | null) {}

  read(): string | null {
    return this.storage?.getItem(KEY) ?? this.#token;
  }

  write(token: string | null): void {
    this.#token = token;
    try {
      if (token === null) this.storage?.removeItem(KEY);
      else this.storage?.setItem(KEY, token);
    } catch {
      // Storage that is full or forbidden: the token lives as long as the page does.
    }
  }
}

/**
 * Moves a token from the address into the store, so that nobody copies or bookmarks it: whether
 * there was one.
 */
export function adoptToken(place: Place, history: History, store: TokenStore): boolean {
  const taken = takeToken(place.hash);
  if (taken.token === null) return false;
  store.write(taken.token);
  history.replaceState(null, "", place.pathname + place.search + taken.hash);
  return true;
}
