/** The delays between connection attempts, in milliseconds. */
export interface BackoffOptions {
  readonly reconnectionDelay: number;
  readonly reconnectionDelayMax: number;
}

/**
 * Returns the delay before an attempt: full jitter, from zero to a ceiling that doubles with each
 * attempt. The jitter spreads out the clients of a server that restarts.
 *
 * @param random a number from 0 to 1.
 */
export function backoff(attempt: number, options: BackoffOptions, random: number): number {
  const ceiling = options.reconnectionDelay * 2 ** Math.min(attempt - 1, 30);
  return random * Math.min(ceiling, options.reconnectionDelayMax);
}
