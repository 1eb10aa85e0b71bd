import type {
  AgentStatusEvent,
  AgentType,
  AnnouncementEvent,
  AssetCreatedEvent,
  AssetStatusEvent,
  BudgetUpdatedEvent,
  BudgetWarningEvent,
  ContentAsset,
  Readable,
  WebSocketClient,
} from "longwire";

/** What there is to know beside jobs. Empty as long as nobody publishes it. */
export interface OverviewSnapshot {
  readonly budget: BudgetUpdatedEvent | null;
  readonly warning: BudgetWarningEvent | null;
  readonly agents: readonly AgentStatusEvent[];
  /** The newest first. */
  readonly assets: readonly ContentAsset[];
  readonly announcements: readonly AnnouncementEvent[];
}

const EMPTY: OverviewSnapshot = { budget: null, warning: null, agents: [], assets: [], announcements: [] };

const AGENTS: readonly AgentType[] = [
  "cmo",
  "seo_writer",
  "email_marketer",
  "social_media_manager",
  "analytics_specialist",
];

const ASSETS_KEPT = 8;
const ANNOUNCEMENTS_KEPT = 3;

function newestFirst<T>(items: readonly T[], time: (item: T) => number, keep: number): T[] {
  return [...items].sort((a, b) => time(b) - time(a)).slice(0, keep);
}

/** Follows budget, agents, assets and announcements while somebody listens. */
export class Overview implements Readable<OverviewSnapshot> {
  #snapshot = EMPTY;
  #stops: (() => void)[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(private readonly client: WebSocketClient) {}

  readonly getSnapshot = (): OverviewSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) for (const stop of this.#stops.splice(0)) stop();
    };
  };

  #start(): void {
    const { client } = this;
    this.#stops = [
      client.on("budget:updated", (budget) => this.#setBudget(budget)),
      client.on("budget:warning", (warning) => this.#change({ warning })),
      client.on("agent:status", (agent) => this.#addAgent(agent)),
      client.on("asset:created", (event) => this.#addAsset(event)),
      client.on("asset:status", (event) => this.#updateAsset(event)),
      client.on("announcement", (event) => this.#addAnnouncement(event)),
      ...AGENTS.map((agent) => client.holdRoom(`agent:${agent}`)),
    ];
  }

  /** A warning is over when the budget is below its threshold again. */
  #setBudget(budget: BudgetUpdatedEvent): void {
    const { warning } = this.#snapshot;
    const isOver = warning !== null && budget.percentage < warning.threshold;
    this.#change({ budget, ...(isOver && { warning: null }) });
  }

  #addAgent(agent: AgentStatusEvent): void {
    const others = this.#snapshot.agents.filter(({ agentType }) => agentType !== agent.agentType);
    const agents = [...others, agent].sort((a, b) => a.agentType.localeCompare(b.agentType));
    this.#change({ agents });
  }

  #addAsset({ asset }: AssetCreatedEvent): void {
    const others = this.#snapshot.assets.filter(({ id }) => id !== asset.id);
    this.#change({ assets: newestFirst([asset, ...others], (one) => one.createdAt, ASSETS_KEPT) });
  }

  #updateAsset({ assetId, status, timestamp }: AssetStatusEvent): void {
    const assets = this.#snapshot.assets.map((asset) =>
      asset.id === assetId ? { ...asset, status, updatedAt: timestamp } : asset,
    );
    this.#change({ assets });
  }

  #addAnnouncement(event: AnnouncementEvent): void {
    const { announcements } = this.#snapshot;
    if (announcements.some(({ timestamp, message }) => timestamp === event.timestamp && message === event.message)) {
      return;
    }
    const all = [event, ...announcements];
    this.#change({ announcements: newestFirst(all, (one) => one.timestamp, ANNOUNCEMENTS_KEPT) });
  }

  #change(change: Partial<OverviewSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of [...this.#listeners]) listener();
  }
}
