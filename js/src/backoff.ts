/** How long to wait before the attempts of a reconnect. Times are in milliseconds. */
export interface BackoffOptions {
  readonly reconnectionDelay: number;
  readonly reconnectionDelayMax: number;
}

/**
 * Full jitter: anything from zero to a ceiling that doubles with each attempt, so that a thousand
 * clients of one restarted server do not come back together.
 */
export function backoff(attempt: number, options: BackoffOptions, random: number): number {
  const ceiling = options.reconnectionDelay * 2 ** Math.min(attempt - 1, 30);
  return random * Math.min(ceiling, options.reconnectionDelayMax);
}
