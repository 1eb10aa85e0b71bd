import {
  type EventHandler,
  getWebSocketClient,
  type JobCompletedEvent,
  type SocketEvents,
  useWebSocket,
} from "longwire/compat";
import { useEffect } from "react";

/** Subscribes to any event of either direction. */
export function useTyped<K extends keyof SocketEvents>(event: K, handler: SocketEvents[K]) {
  const { subscribe } = useWebSocket();
  useEffect(() => subscribe(event, handler), [subscribe, event, handler]);
}

export function send<K extends keyof SocketEvents>(
  event: K,
  ...args: Parameters<SocketEvents[K]>
): void {
  getWebSocketClient().emit(event, ...args);
}

/** Figures of results are not typed. */
export const words = ({ result }: JobCompletedEvent): string => result.metrics?.words.toFixed(0);

export const onWarning: EventHandler<"budget:warning"> = ({ threshold }) => threshold.toFixed();
export const warning: Parameters<SocketEvents["budget:warning"]>[0] = {
  threshold: 85,
  message: "Over 85 %",
  currentUsage: 86,
  timestamp: 1,
};
