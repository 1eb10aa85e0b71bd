/**
 * React hooks and components on top of the client.
 *
 * @module longwire/react
 */

"use client";

export { BudgetMeter, type BudgetMeterProps } from "./BudgetMeter.js";
export {
  type ConnectionLabels,
  ConnectionStatus,
  type ConnectionStatusProps,
} from "./ConnectionStatus.js";
export { JobOutput, type JobOutputProps } from "./JobOutput.js";
export { JobProgress, type JobProgressProps } from "./JobProgress.js";
export { JobProgressBar, type JobProgressBarProps } from "./JobProgressBar.js";
export {
  type Announce,
  LiveRegion,
  type LiveRegionProps,
  LiveRegionProvider,
  type Politeness,
  useAnnounce,
} from "./LiveRegion.js";
export type { InitialData } from "./newest.js";
export { type OutputLabels, OutputSections, type OutputSectionsProps } from "./OutputSections.js";
export { LongwireProvider, type LongwireProviderProps, useClient } from "./provider.js";
export { Toasts, type ToastsProps } from "./Toasts.js";
export { type Toast, ToastQueue, type ToastsSnapshot } from "./toasts.js";
export { useAgent } from "./useAgent.js";
export { useAssetStatus, useAssets } from "./useAssets.js";
export { type BudgetView, useBudget } from "./useBudget.js";
export { useCampaign } from "./useCampaign.js";
export { type ConnectionView, useConnection } from "./useConnection.js";
export { useConnectionHealth } from "./useConnectionHealth.js";
export {
  type ConnectionNotice,
  type ConnectionNoticeOptions,
  useConnectionNotice,
} from "./useConnectionNotice.js";
export { useEvent } from "./useEvent.js";
export { type JobView, type UseJobOptions, useJob } from "./useJob.js";
export { type JobOutputView, type JobWithOutput, useJobOutput } from "./useJobOutput.js";
export { type JobProgressView, useJobProgress } from "./useJobProgress.js";
export { type UseJobsOptions, useJobs } from "./useJobs.js";
export {
  type UseLatestByKeyOptions,
  type UseLatestOptions,
  useLatest,
  useLatestByKey,
} from "./useLatest.js";
export { type OutboxView, useOutbox } from "./useOutbox.js";
export { type RoomView, useRoom } from "./useRoom.js";
export { type SharedView, useShared } from "./useShared.js";
export { useToasts } from "./useToasts.js";
export { useWebSocket, type WebSocketView } from "./useWebSocket.js";
