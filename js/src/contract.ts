export type JobStatus = "queued" | "running" | "completed" | "failed" | "cancelled";

export type JobOutputType = "thinking" | "writing" | "tool_call";

export type AgentType =
  | "cmo"
  | "seo_writer"
  | "email_marketer"
  | "social_media_manager"
  | "analytics_specialist";

export type AgentStatus = "ready" | "busy" | "error" | "offline";

export type ContentStatus = "draft" | "review" | "approved" | "published" | "archived";

export type AssetType = "blog" | "email" | "social" | "landing_page";

export interface JobArtifact {
  type: string;
  url: string;
  name: string;
}

export interface JobResult {
  content?: string;
  metrics?: Record<string, unknown>;
  artifacts?: JobArtifact[];
}

export interface JobCreatedEvent {
  jobId: string;
  title?: string;
  owner?: string;
  attempt: number;
  timestamp: number;
}

export interface JobProgressEvent {
  jobId: string;
  progress: number;
  currentStep: string;
  estimatedCompletion?: number;
  timestamp: number;
}

export interface JobOutputEvent {
  jobId: string;
  chunk: string;
  isComplete: boolean;
  type?: JobOutputType;
  timestamp: number;
}

export interface JobStatusEvent {
  jobId: string;
  status: JobStatus;
  message?: string;
  timestamp: number;
}

export interface JobCompletedEvent {
  jobId: string;
  result: JobResult;
  cost: number;
  duration: number;
  timestamp: number;
}

export interface JobFailedEvent {
  jobId: string;
  error: string;
  errorCode?: string;
  retryable: boolean;
  timestamp: number;
}

export interface JobLeaseEvent {
  jobId: string;
  expiresIn: number;
  timestamp: number;
}

export interface JobCancelEvent {
  jobId: string;
  reason?: string;
  timestamp: number;
}

export interface BudgetUpdatedEvent {
  used: number;
  total: number;
  percentage: number;
  breakdown: Record<string, number>;
  timestamp: number;
}

export interface BudgetWarningEvent {
  threshold: number;
  message: string;
  currentUsage: number;
  timestamp: number;
}

export interface CampaignMetrics {
  impressions: number;
  clicks: number;
  conversions: number;
  cost: number;
  roi: number;
}

export interface CampaignMetricsEvent {
  campaignId: string;
  metrics: CampaignMetrics;
  timestamp: number;
}

export interface ContentAsset {
  id: string;
  title: string;
  type: AssetType;
  status: ContentStatus;
  createdAt: number;
  updatedAt: number;
}

export interface AssetStatusEvent {
  assetId: string;
  status: ContentStatus;
  previousStatus: ContentStatus;
  timestamp: number;
}

export interface AssetCreatedEvent {
  asset: ContentAsset;
  timestamp: number;
}

export interface AgentStatusEvent {
  agentType: AgentType;
  status: AgentStatus;
  currentJob?: string;
  queueDepth?: number;
  timestamp: number;
}

export interface AnnouncementEvent {
  message: string;
  level: "info" | "warning" | "error";
  timestamp: number;
}

export interface ServerToClientEvents {
  "job:created": (data: JobCreatedEvent) => void;
  "job:progress": (data: JobProgressEvent) => void;
  "job:output": (data: JobOutputEvent) => void;
  "job:status": (data: JobStatusEvent) => void;
  "job:completed": (data: JobCompletedEvent) => void;
  "job:failed": (data: JobFailedEvent) => void;
  "job:lease": (data: JobLeaseEvent) => void;
  "job:cancel": (data: JobCancelEvent) => void;
  "budget:updated": (data: BudgetUpdatedEvent) => void;
  "budget:warning": (data: BudgetWarningEvent) => void;
  "campaign:metrics": (data: CampaignMetricsEvent) => void;
  "asset:status": (data: AssetStatusEvent) => void;
  "asset:created": (data: AssetCreatedEvent) => void;
  "agent:status": (data: AgentStatusEvent) => void;
  announcement: (data: AnnouncementEvent) => void;
}

export interface ClientToServerEvents {
  "job:cancel": (data: { jobId: string; reason?: string }, ack?: (result: unknown) => void) => void;
}
