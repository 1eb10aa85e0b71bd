"use client";

export {
  type Announce,
  LiveRegion,
  LiveRegionProvider,
  type Politeness,
  useAnnounce,
} from "./LiveRegion.js";
export { ConnectionStatus, type ConnectionStatusProps } from "./ConnectionStatus.js";
export { JobOutput, type JobOutputProps } from "./JobOutput.js";
export { JobProgressBar, type JobProgressBarProps } from "./JobProgressBar.js";
export { LongwireProvider, type LongwireProviderProps, useClient } from "./provider.js";
export { type ConnectionView, useConnection } from "./useConnection.js";
export { useEvent } from "./useEvent.js";
export { type JobView, useJob, type UseJobOptions } from "./useJob.js";
export { type JobProgressView, useJobProgress } from "./useJobProgress.js";
export { useJobs } from "./useJobs.js";
export { type RoomView, useRoom } from "./useRoom.js";
export { useWebSocket, type WebSocketView } from "./useWebSocket.js";
