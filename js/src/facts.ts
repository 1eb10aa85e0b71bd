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

/** The last word on everything that is not a job. */
export interface FactsSnapshot {
  readonly budget: BudgetUpdatedEvent | null;
  /** The last warning, until spending is below its threshold again. */
  readonly warning: BudgetWarningEvent | null;
  /** By room, like `campaigns`. */
  readonly agents: Readonly<Partial<Record<string, AgentStatusEvent>>>;
  readonly campaigns: Readonly<Partial<Record<string, CampaignMetricsEvent>>>;
  /** Newest first. */
  readonly assets: readonly ContentAsset[];
}

export const NO_FACTS: FactsSnapshot = Object.freeze({
  budget: null,
  warning: null,
  agents: {},
  campaigns: {},
  assets: [],
});

/** More than anybody scrolls through; a server that never stops creating must not fill the page. */
const ASSET_LIMIT = 1_000;

/** Keeps what a client hears about budget, agents, campaigns and assets of the signed-in user. */
export class Facts implements Readable<FactsSnapshot> {
  readonly #store: BatchedStore<FactsSnapshot>;
  readonly #held = new Set<string>();
  #facts = NO_FACTS;
  #userId: string | null = null;

  constructor(private readonly client: WebSocketClient) {
    this.#store = new BatchedStore(() => this.#facts, client.settings.notifyInterval);
  }

  readonly getSnapshot = (): FactsSnapshot => this.#store.getSnapshot();

  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  /** Hears what is said from now on, until the returned function is called. */
  listen(): () => void {
    const { client } = this;
    this.#noticeUser();
    const stops = [
      client.connection.subscribe(() => this.#noticeUser()),
      client.on("budget:updated", (budget) => this.#setBudget(budget)),
      client.on("budget:warning", (warning) => this.#change({ warning })),
      client.on("agent:status", (agent) => {
        this.#change({ agents: { ...this.#facts.agents, [`agent:${agent.agentType}`]: agent } });
      }),
      client.on("campaign:metrics", (event) => {
        const campaigns = { ...this.#facts.campaigns, [`campaign:${event.campaignId}`]: event };
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

  /** Is in a room until the returned function is called, and forgets it when it is left. */
  holdRoom(room: string): () => void {
    const release = this.client.holdRoom(room);
    if (!this.#held.has(room)) this.#forgetWhenLeft(room);
    return release;
  }

  #forgetWhenLeft(room: string): void {
    const { getSnapshot, subscribe } = this.client.room(room);
    this.#held.add(room);
    const stop = subscribe(() => {
      if (getSnapshot().status !== "left") return;
      stop();
      this.#held.delete(room);
      this.#forget(room);
    });
  }

  /** Nothing of one user is left to the next. */
  #noticeUser(): void {
    const before = this.#userId;
    this.#userId = this.client.connection.getSnapshot().userId;
    if (before === null || before === this.#userId) return;
    this.#facts = NO_FACTS;
    this.#store.flush();
  }

  #setBudget(budget: BudgetUpdatedEvent): void {
    const { warning } = this.#facts;
    const isOver = warning !== null && budget.percentage < warning.threshold;
    this.#change({ budget, ...(isOver && { warning: null }) });
  }

  #addAsset(asset: ContentAsset): void {
    const others = this.#facts.assets.filter(({ id }) => id !== asset.id);
    const assets = [asset, ...others].sort((a, b) => b.createdAt - a.createdAt);
    this.#change({ assets: assets.slice(0, ASSET_LIMIT) });
  }

  #updateAsset({ assetId, status, timestamp }: AssetStatusEvent): void {
    const assets = this.#facts.assets.map((asset) =>
      asset.id === assetId ? { ...asset, status, updatedAt: timestamp } : asset,
    );
    this.#change({ assets });
  }

  #forget(room: string): void {
    const { agents, campaigns } = this.#facts;
    this.#change({ agents: without(agents, room), campaigns: without(campaigns, room) });
  }

  #change(change: Partial<FactsSnapshot>): void {
    this.#facts = { ...this.#facts, ...change };
    this.#store.invalidate();
  }
}

function without<T>(all: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([other]) => other !== key));
}
