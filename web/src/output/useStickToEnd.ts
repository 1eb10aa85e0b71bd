import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Closer to the end than this counts as being there. */
const NEAR_PX = 40;

export interface StickToEnd {
  readonly pane: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  /** Whether the reader is at the end, and stays there as it moves. */
  readonly isFollowing: boolean;
  readonly jump: () => void;
}

function distanceToEnd(pane: HTMLElement): number {
  return pane.scrollHeight - pane.scrollTop - pane.clientHeight;
}

/**
 * Keeps a scrolled pane at its end until the reader scrolls up, and again once they are back.
 *
 * @param version changes whenever the content may have grown.
 */
export function useStickToEnd(version: unknown): StickToEnd {
  const pane = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [isFollowing, setIsFollowing] = useState(true);

  const follow = useCallback((value: boolean) => {
    following.current = value;
    setIsFollowing(value);
  }, []);

  const toEnd = useCallback(() => {
    if (pane.current && following.current) pane.current.scrollTop = pane.current.scrollHeight;
  }, []);

  useLayoutEffect(toEnd, [toEnd, version]);

  useEffect(() => {
    const element = pane.current;
    if (!element || !content.current) return undefined;
    let last = element.scrollTop;
    // Upwards is the reader; downwards or shrinking content may be ourselves.
    const onScroll = (): void => {
      const isNear = distanceToEnd(element) <= NEAR_PX;
      if (isNear !== following.current && (isNear || element.scrollTop < last)) follow(isNear);
      last = element.scrollTop;
    };
    // Blocks get their real height when they are first laid out; windows are resized.
    const observer = new ResizeObserver(toEnd);
    observer.observe(element);
    observer.observe(content.current);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
    };
  }, [follow, toEnd]);

  const jump = useCallback(() => {
    follow(true);
    toEnd();
    pane.current?.focus({ preventScroll: true });
  }, [follow, toEnd]);

  return { pane, content, isFollowing, jump };
}
