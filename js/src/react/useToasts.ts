import { useState } from "react";

import { ToastQueue } from "./toasts.js";

/** Long enough to read two lines. */
const DURATION_MS = 6_000;

/**
 * A queue of messages for `Toasts`: the same one for as long as the component is mounted.
 *
 * @param duration how long a message is shown, in milliseconds; an error stays until dismissed.
 */
export function useToasts(duration: number = DURATION_MS): ToastQueue {
  const [queue] = useState(() => new ToastQueue(duration));
  return queue;
}
