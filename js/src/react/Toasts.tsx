import { type ReactElement, useEffect } from "react";

import { NO_TOASTS, type Toast, type ToastQueue, type ToastsSnapshot } from "./toasts.js";
import { useReadable } from "./useReadable.js";

/** Props of `Toasts`. */
export interface ToastsProps {
  /** The result of `useToasts`. */
  queue: ToastQueue;
  /** The accessible name of the region. */
  label?: string | undefined;
  /** The accessible name of the buttons, followed by the message. */
  dismissLabel?: string | undefined;
  /** The class of the outermost element. */
  className?: string | undefined;
}

const list = ({ toasts }: ToastsSnapshot): readonly Toast[] => toasts;

/**
 * Shows messages for a while and announces them to screen readers. They stay while the pointer or
 * the focus is on one, and never take the focus. `data-level` is a message's level.
 */
export function Toasts(props: ToastsProps): ReactElement {
  const { queue, label = "Notifications", dismissLabel = "Dismiss", className } = props;
  const toasts = useReadable(queue.shown, NO_TOASTS, list);
  useEffect(() => {
    queue.resume();
    return queue.pause;
  }, [queue]);
  return (
    <div
      className={className}
      data-longwire="toasts"
      onPointerEnter={queue.pause}
      onPointerLeave={queue.resume}
      onFocus={queue.pause}
      onBlur={queue.resume}
    >
      <div role="log" aria-live="polite" aria-label={label} data-part="messages">
        {toasts.map(({ id, level, message }) => (
          <div key={id} data-part="toast" data-level={level}>
            <span data-part="message">{message}</span>
            <button
              type="button"
              aria-label={`${dismissLabel}: ${message}`}
              onClick={() => queue.dismiss(id)}
            >
              ×
            </button>
          </div>
        ))}
      </div>
    </div>
  );
}
