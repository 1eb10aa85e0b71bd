import type { WebSocketClient } from "./client.js";
import type {
  AgentStatusEvent,
  AssetStatusEvent,
  BudgetUpdatedEvent,
  BudgetWarningEvent,
  CampaignMetricsEvent,
  ContentAsset,
} from "./contract.js";
import { BatchedStore, type Readable } from "./store.js";

/** The newest events of the catalog that are not about jobs. */
export interface CatalogSnapshot {
  readonly budget: BudgetUpdatedEvent | null;
  /** The last warning; null again when spending falls below its threshold. */
  readonly warning: BudgetWarningEvent | null;
  /** By room, like `campaigns`. */
  readonly agents: Readonly<Partial<Record<string, AgentStatusEvent>>>;
  readonly campaigns: Readonly<Partial<Record<string, CampaignMetricsEvent>>>;
  /** Newest first. */
  readonly assets: readonly ContentAsset[];
  /** The last status of each asset, also of those whose creation was not seen. */
  readonly statuses: Readonly<Partial<Record<string, AssetStatusEvent>>>;
}

export const EMPTY_CATALOG: CatalogSnapshot = Object.freeze({
  budget: null,
  warning: null,
  agents: {},
  campaigns: {},
  assets: [],
  statuses: {},
});

/** Bounds the memory of a page on which assets are created all day. */
const ASSET_LIMIT = 1_000;

/** Stores a user's budget, agents, campaigns and assets from the events that a client receives. */
export class CatalogStore implements Readable<CatalogSnapshot> {
  readonly #client: WebSocketClient;
  readonly #store: BatchedStore<CatalogSnapshot>;
  readonly #held = new Set<string>();
  #catalog = EMPTY_CATALOG;
  #userId: string | null = null;

  constructor(client: WebSocketClient) {
    this.#client = client;
    this.#store = new BatchedStore(() => this.#catalog, client.settings.notifyInterval);
  }

  readonly getSnapshot = (): CatalogSnapshot => this.#store.getSnapshot();

  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  /** Starts storing events; returns a function that stops it. */
  listen(): () => void {
    const client = this.#client;
    this.#handleUserChange();
    const stops = [
      client.connection.subscribe(() => this.#handleUserChange()),
      client.on("budget:updated", (budget) => this.#setBudget(budget)),
      client.on("budget:warning", (warning) => this.#change({ warning })),
      client.on("agent:status", (agent) => {
        this.#change({ agents: { ...this.#catalog.agents, [`agent:${agent.agentType}`]: agent } });
      }),
      client.on("campaign:metrics", (event) => {
        const campaigns = { ...this.#catalog.campaigns, [`campaign:${event.campaignId}`]: event };
        this.#change({ campaigns });
      }),
      client.on("asset:created", ({ asset }) => this.#addAsset(asset)),
      client.on("asset:status", (event) => this.#updateAsset(event)),
    ];
    return () => {
      for (const stop of stops) stop();
      this.#store.stop();
    };
  }

  /** Joins a room until the returned function is called; discards its events when it is left. */
  holdRoom(room: string): () => void {
    const release = this.#client.holdRoom(room);
    if (!this.#held.has(room)) this.#discardWhenLeft(room);
    return release;
  }

  #discardWhenLeft(room: string): void {
    const { getSnapshot, subscribe } = this.#client.room(room);
    this.#held.add(room);
    const stop = subscribe(() => {
      if (getSnapshot().status !== null) return;
      stop();
      this.#held.delete(room);
      this.#discard(room);
    });
  }

  /** Discards the previous user's events when another user signs in. */
  #handleUserChange(): void {
    const before = this.#userId;
    this.#userId = this.#client.connection.getSnapshot().userId;
    if (before === null || before === this.#userId) return;
    this.#catalog = EMPTY_CATALOG;
    this.#store.flush();
  }

  #setBudget(budget: BudgetUpdatedEvent): void {
    const { warning } = this.#catalog;
    const isOver = warning !== null && budget.percentage < warning.threshold;
    this.#change({ budget, ...(isOver && { warning: null }) });
  }

  #addAsset(asset: ContentAsset): void {
    const others = this.#catalog.assets.filter(({ id }) => id !== asset.id);
    const assets = [asset, ...others].sort(byCreation);
    this.#change({ assets: assets.slice(0, ASSET_LIMIT) });
  }

  #updateAsset(event: AssetStatusEvent): void {
    const { assetId, status, timestamp } = event;
    const others = Object.entries(without(this.#catalog.statuses, assetId)).slice(1 - ASSET_LIMIT);
    const statuses = { ...Object.fromEntries(others), [assetId]: event };
    const assets = this.#catalog.assets.map((asset) =>
      asset.id === assetId ? { ...asset, status, updatedAt: timestamp } : asset,
    );
    this.#change({ assets, statuses });
  }

  #discard(room: string): void {
    const { agents, campaigns } = this.#catalog;
    this.#change({ agents: without(agents, room), campaigns: without(campaigns, room) });
  }

  #change(change: Partial<CatalogSnapshot>): void {
    this.#catalog = { ...this.#catalog, ...change };
    this.#store.invalidate();
  }
}

/** Orders assets by their creation, newest first. */
export function byCreation(a: ContentAsset, b: ContentAsset): number {
  return b.createdAt - a.createdAt;
}

function without<T>(all: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([other]) => other !== key));
}
