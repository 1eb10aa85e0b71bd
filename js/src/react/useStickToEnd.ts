import {
  type Ref,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";

/** Closer to the end than this counts as being there. */
const NEAR_PX = 40;

export interface StickToEnd {
  /** What scrolls, once it is there. */
  readonly root: () => Element | null;
  /** For the element that scrolls. */
  readonly pane: Ref<HTMLDivElement>;
  /** For the one element in it, which grows. */
  readonly content: Ref<HTMLDivElement>;
  /** Whether the reader is at the end, and stays there as it moves. */
  readonly isFollowing: boolean;
  /** Goes to the end, and takes the focus there. */
  readonly jump: () => void;
}

/** React 18 warns of layout effects on a server, where there is no layout. */
const useLayout = typeof document === "undefined" ? useEffect : useLayoutEffect;

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
  const [isFollowing, setFollowing] = useState(true);

  const follow = useCallback((value: boolean) => {
    following.current = value;
    setFollowing(value);
  }, []);

  const toEnd = useCallback(() => {
    if (pane.current && following.current) pane.current.scrollTop = pane.current.scrollHeight;
  }, []);

  useLayout(toEnd, [toEnd, version]);

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

  const root = useCallback(() => pane.current, []);

  return useMemo(() => ({ root, pane, content, isFollowing, jump }), [root, isFollowing, jump]);
}
