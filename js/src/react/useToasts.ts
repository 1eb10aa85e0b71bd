import { useState } from "react";

import { ToastQueue } from "./toasts.js";

/** Enough time to read two lines. */
const DURATION_MS = 6_000;

/**
 * Returns a queue of messages for `Toasts`, the same one while the component is mounted.
 *
 * @param duration how long a message is shown, in milliseconds. Errors stay until dismissed.
 */
export function useToasts(duration: number = DURATION_MS): ToastQueue {
  const [queue] = useState(() => new ToastQueue(duration));
  return queue;
}
