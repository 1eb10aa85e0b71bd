import type { ConnectionSnapshot, Readable } from "longwire";

/**
 * What a reader should be told of the connection. A short drop is none of their business: `down`
 * comes after a grace time, and `recovered`, for a moment, only after a `down`.
 */
export type Health = "connecting" | "live" | "down" | "recovered" | "refused";

export interface HealthTimes {
  readonly graceMs: number;
  readonly recoveredMs: number;
}

const TIMES: HealthTimes = { graceMs: 2_000, recoveredMs: 4_000 };

/** Watches a connection while somebody listens. */
export class ConnectionHealth implements Readable<Health> {
  #health: Health = "connecting";
  #stop: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pending: Health | null = null;
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly connection: Readable<ConnectionSnapshot>,
    private readonly times: HealthTimes = TIMES,
  ) {}

  readonly getSnapshot = (): Health => this.#health;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#stop ??= this.connection.subscribe(() => this.#check());
    this.#check();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = null;
      this.#cancel();
    };
  };

  #check(): void {
    const { state } = this.connection.getSnapshot();
    if (state === "connected") this.#connected();
    else if (state === "error") this.#show("refused");
    else if (this.#health === "refused" || this.#health === "recovered") this.#show("down");
    else if (this.#health !== "down" && state === "reconnecting") {
      this.#showLater("down", this.times.graceMs);
    }
  }

  #connected(): void {
    if (this.#health === "recovered") return;
    const wasTold = this.#health === "down" || this.#health === "refused";
    this.#show(wasTold ? "recovered" : "live");
    if (wasTold) this.#showLater("live", this.times.recoveredMs);
  }

  #showLater(health: Health, delay: number): void {
    if (this.#pending === health) return;
    this.#cancel();
    this.#pending = health;
    this.#timer = setTimeout(() => this.#show(health), delay);
  }

  #show(health: Health): void {
    this.#cancel();
    if (health === this.#health) return;
    this.#health = health;
    for (const listener of [...this.#listeners]) listener();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#pending = null;
  }
}
