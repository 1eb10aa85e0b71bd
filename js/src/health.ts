/**
 * The health of a connection: round trips, quality, and how it recovers.
 *
 * @module longwire/health
 */

import type { ClientCounters, ClientHealth, ConnectionSnapshot, Readable } from "./index.js";
import { type ConnectionQuality, classify, jitterOf, QualityMeter, SETTLE_MS } from "./quality.js";
import { Store } from "./store.js";

export type { ConnectionQuality } from "./quality.js";

/** The health of a connection at one moment. Times are in milliseconds. */
export interface HealthSnapshot {
  /** The connection in one word. It becomes worse at once, and better after ten seconds. */
  readonly quality: ConnectionQuality;
  /** The transport of the present connection. */
  readonly transport: "websocket" | "polling" | null;
  /** The newest round trip. */
  readonly roundTripMs: number | null;
  /** The median of the last hundred round trips. */
  readonly roundTripP50Ms: number | null;
  /** Their 99th percentile. */
  readonly roundTripP99Ms: number | null;
  /** The mean difference between successive round trips, of the newest ten. */
  readonly jitterMs: number | null;
  /** Measurements that were not answered before the next was due. */
  readonly missedHeartbeats: number;
  /** The server's clock minus the client's. */
  readonly clockOffsetMs: number | null;
  /** Connections that were lost. */
  readonly drops: number;
  /** Connections that followed a lost one. */
  readonly reconnects: number;
  /** The median time from a loss to the next connection, of the last hundred. */
  readonly recoveryP50Ms: number | null;
  /** Their 99th percentile. */
  readonly recoveryP99Ms: number | null;
  /** How often a room continued at its position. */
  readonly roomsResumed: number;
  /** How often a room's log had to be read again from its start. */
  readonly roomsReset: number;
  /** The part of the resumed rooms that continued at their position; null without any. */
  readonly recoveredRatio: number | null;
  /** Events that wait to be sent. */
  readonly unsent: number;
}

/** The parts of a client that its health is measured on. */
export interface HealthClient {
  /** The connection's state. */
  readonly connection: Readable<ConnectionSnapshot>;
  /** Returns what the client counts. */
  getCounters(): ClientCounters;
  /** Sends a ping and resolves with the server's answer. */
  call(event: "ping"): Promise<unknown>;
  /** Sends a report. */
  emit(event: "client:health", report: ClientHealth): void;
}

/** Options of {@link watchHealth}. */
export interface HealthOptions {
  /**
   * Send the server a report, `client:health`: at most once a minute, and once after each recovered
   * connection. It has at most 512 bytes, and contains no address or name. Default: `false`.
   */
  report?: boolean | undefined;
}

/** The health of one client; observable. */
export interface Health extends Readable<HealthSnapshot> {
  /** Stops measuring and reporting. */
  readonly stop: () => void;
}

/** The version of this package, in reports. */
const VERSION = "0.1.0";
const INTERVAL_MS = 25_000;
const REPORT_INTERVAL_MS = 60_000;
const SAMPLES = 100;

/** The health of a client that was never connected. */
export const UNKNOWN_HEALTH: HealthSnapshot = Object.freeze({
  quality: "lost",
  transport: null,
  roundTripMs: null,
  roundTripP50Ms: null,
  roundTripP99Ms: null,
  jitterMs: null,
  missedHeartbeats: 0,
  clockOffsetMs: null,
  drops: 0,
  reconnects: 0,
  recoveryP50Ms: null,
  recoveryP99Ms: null,
  roomsResumed: 0,
  roomsReset: 0,
  recoveredRatio: null,
  unsent: 0,
});

const watched = new WeakMap<HealthClient, HealthMeter>();

/**
 * Measures the health of a client's connection from now on: a `ping` every 25 seconds while it is
 * connected. Calls for one client return the same object until it is stopped; `report: true` of any
 * of them starts reports.
 *
 * ```ts
 * const health = watchHealth(client, { report: true });
 * health.subscribe(() => console.log(health.getSnapshot().quality));
 * ```
 */
export function watchHealth(client: HealthClient, options: HealthOptions = {}): Health {
  let meter = watched.get(client);
  if (!meter) {
    meter = new HealthMeter(client, () => watched.delete(client));
    watched.set(client, meter);
  }
  if (options.report) meter.report();
  return meter;
}

class HealthMeter implements Health {
  readonly #client: HealthClient;
  readonly #store = new Store<HealthSnapshot>(UNKNOWN_HEALTH);
  readonly #meter = new QualityMeter();
  readonly #roundTrips: number[] = [];
  readonly #recoveries: number[] = [];
  readonly #stop: () => void;
  #isConnected = false;
  /** When the connection was lost; null while connected, and after `disconnect`. */
  #lostAt: number | null = null;
  #reconnectedAt: number | null = null;
  #pingedAt: number | null = null;
  #missedInARow = 0;
  #missed = 0;
  #drops = 0;
  #reconnects = 0;
  #clockOffset: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #reports = false;
  #reportDue: number | null = null;
  #reportedReconnects = 0;

  readonly getSnapshot = (): HealthSnapshot => this.#store.getSnapshot();
  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);
  readonly stop = (): void => this.#stop();

  constructor(client: HealthClient, onStop: () => void) {
    this.#client = client;
    const unsubscribe = client.connection.subscribe(() => this.#receiveState());
    this.#stop = () => {
      unsubscribe();
      this.#clearTimers();
      onStop();
    };
    this.#receiveState();
  }

  /** Sends reports from now on. */
  report(): void {
    this.#reports = true;
  }

  #receiveState(): void {
    const { isConnected, state } = this.#client.connection.getSnapshot();
    if (state === "disconnected") this.#lostAt = null;
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    const now = performance.now();
    if (isConnected) this.#receiveConnected(now);
    else {
      if (state !== "disconnected") {
        this.#lostAt = now;
        this.#drops++;
      }
      this.#pingedAt = null;
      this.#missedInARow = 0;
      this.#clearTimers();
    }
    this.#update(now);
  }

  #receiveConnected(now: number): void {
    if (this.#lostAt !== null) {
      this.#reconnects++;
      this.#reconnectedAt = now;
      keep(this.#recoveries, now - this.#lostAt);
    }
    this.#lostAt = null;
    this.#tick();
  }

  #tick(): void {
    this.#timer = setTimeout(() => this.#tick(), INTERVAL_MS);
    // A stock Socket.IO server, which does not sign a user in, does not answer pings either.
    if (this.#client.connection.getSnapshot().userId === null) return;
    if (this.#pingedAt !== null) {
      this.#missed++;
      this.#missedInARow++;
    }
    const sentAt = performance.now();
    this.#pingedAt = sentAt;
    this.#client.call("ping").then(
      (answer) => this.#receivePong(sentAt, answer),
      () => undefined, // counted as missed by the next tick
    );
    this.#update(sentAt);
  }

  #receivePong(sentAt: number, answer: unknown): void {
    if (sentAt !== this.#pingedAt) return; // of an earlier ping, or connection
    const now = performance.now();
    const roundTrip = now - sentAt;
    this.#pingedAt = null;
    this.#missedInARow = 0;
    keep(this.#roundTrips, roundTrip);
    const timestamp = (answer as { timestamp?: unknown } | null)?.timestamp;
    if (typeof timestamp === "number") {
      this.#clockOffset = timestamp + roundTrip / 2 - Date.now();
    }
    this.#update(now);
    if (this.#reports) this.#sendReport(now);
  }

  #update(now: number): void {
    const { transport, resumed, reset, unsent } = this.#client.getCounters();
    const roundTripMs = this.#roundTrips.at(-1) ?? null;
    const jitterMs = jitterOf(this.#roundTrips);
    const quality = this.#meter.update(
      classify({
        isConnected: this.#isConnected,
        roundTripMs,
        jitterMs,
        missed: this.#missedInARow,
        reconnectedMs: this.#reconnectedAt === null ? null : now - this.#reconnectedAt,
      }),
      now,
    );
    this.#store.set({
      quality,
      transport: transport as HealthSnapshot["transport"],
      roundTripMs,
      roundTripP50Ms: percentile(this.#roundTrips, 50),
      roundTripP99Ms: percentile(this.#roundTrips, 99),
      jitterMs,
      missedHeartbeats: this.#missed,
      clockOffsetMs: this.#clockOffset,
      drops: this.#drops,
      reconnects: this.#reconnects,
      recoveryP50Ms: percentile(this.#recoveries, 50),
      recoveryP99Ms: percentile(this.#recoveries, 99),
      roomsResumed: resumed,
      roomsReset: reset,
      recoveredRatio: resumed + reset ? resumed / (resumed + reset) : null,
      unsent,
    });
    clearTimeout(this.#settling);
    if (this.#meter.isSettling) {
      this.#settling = setTimeout(() => this.#update(performance.now()), SETTLE_MS);
    }
  }

  /** Sends a report if one is due. */
  #sendReport(now: number): void {
    const hasRecovered = this.#reconnects > this.#reportedReconnects;
    this.#reportedReconnects = this.#reconnects;
    this.#reportDue ??= now + REPORT_INTERVAL_MS;
    if (!hasRecovered && now < this.#reportDue) return;
    this.#reportDue = now + REPORT_INTERVAL_MS;
    // Volatile: it would be queued otherwise.
    if (this.#isConnected)
      this.#client.emit("client:health", describe(this.getSnapshot(), hasRecovered));
  }

  #clearTimers(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#settling);
  }
}

function describe(health: HealthSnapshot, hasRecovered: boolean): ClientHealth {
  const round = (value: number | null): number | undefined =>
    value === null ? undefined : Math.round(value);
  const report: Record<keyof ClientHealth, unknown> = {
    cause: hasRecovered ? "recovered" : "periodic",
    client: "typescript",
    version: VERSION,
    transport: health.transport ?? undefined,
    quality: health.quality,
    roundTripP50Ms: round(health.roundTripP50Ms),
    roundTripP99Ms: round(health.roundTripP99Ms),
    jitterMs: round(health.jitterMs),
    missed: health.missedHeartbeats,
    drops: health.drops,
    reconnects: health.reconnects,
    recoveryP50Ms: round(health.recoveryP50Ms),
    recoveryP99Ms: round(health.recoveryP99Ms),
    resumed: health.roomsResumed,
    reset: health.roomsReset,
    unsent: health.unsent,
  };
  return report as ClientHealth;
}

/** Adds a sample and drops the oldest beyond a hundred. */
function keep(samples: number[], sample: number): void {
  samples.push(sample);
  if (samples.length > SAMPLES) samples.shift();
}

function percentile(samples: readonly number[], percent: number): number | null {
  const ordered = [...samples].sort((a, b) => a - b);
  return ordered[Math.floor((ordered.length * percent) / 100)] ?? null;
}
