import type { TokenStore } from "../../session/token";
import { ApiError, errorOf } from "./ApiError";
import type { Overview } from "./types";

/** Whether the server answers: `live` after an answer, `lost` after none. */
export type ApiState = "connecting" | "live" | "lost" | "refused";

/** The operator whose page it is, and whether actions are allowed. */
export interface Operator {
  readonly name: string | null;
  readonly mayAct: boolean;
}

const UNKNOWN: Operator = { name: null, mayAct: false };

/** Longer than the second that the nodes have to answer each other. */
const TIMEOUT_MS = 8_000;

/** The admin API next to the page. Notifies subscribers when its state changes. */
export class Api {
  readonly #base: string;
  readonly #tokens: TokenStore;
  readonly #listeners = new Set<() => void>();
  #state: ApiState = "connecting";
  #operator = UNKNOWN;
  #asked = false;

  constructor(pageUrl: string, tokens: TokenStore) {
    this.#base = new URL("api/", pageUrl).href;
    this.#tokens = tokens;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): ApiState => this.#state;

  readonly operator = (): Operator => this.#operator;

  /** Asks once for the operator; a failure is shown by the view, and the next call asks again. */
  async askOperator(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    try {
      const { operator, mayAct } = await this.get<Overview>("overview");
      this.#operator = { name: operator, mayAct };
      this.#notify();
    } catch {
      this.#asked = false;
    }
  }

  /** Returns one page of the API; throws an `ApiError`. */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return (await this.#request("GET", path, undefined, signal)) as T;
  }

  /** Performs an action; throws an `ApiError`. */
  async post<T>(path: string, body: object): Promise<T> {
    return (await this.#request("POST", path, body)) as T;
  }

  async #request(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(new URL(path, this.#base), {
      method,
      headers: this.#headers(body !== undefined),
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    }).catch((error: unknown) => {
      if (signal?.aborted === true) throw error;
      this.#enter("lost");
      const reason = timeout.aborted ? "It did not answer in time." : "It cannot be reached.";
      throw new ApiError("unreachable", reason);
    });
    this.#enter(response.status === 401 || response.status === 403 ? "refused" : "live");
    if (!response.ok) throw await errorOf(response);
    return response.status === 204 ? null : await response.json();
  }

  #headers(hasBody: boolean): Record<string, string> {
    const token = this.#tokens.read();
    return {
      accept: "application/json",
      ...(hasBody && { "content-type": "application/json" }),
      ...(token !== null && { authorization: `Bearer ${token}` }),
    };
  }

  #enter(state: ApiState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
