import {
  type Ref,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";

/** A distance to the end that still counts as being at the end. */
const NEAR_PX = 40;

/** Refs and state of a pane that follows its end. */
export interface StickToEnd {
  /** Returns the element that scrolls, once it is mounted. */
  readonly root: () => Element | null;
  /** The ref of the element that scrolls. */
  readonly pane: Ref<HTMLDivElement>;
  /** The ref of its only child, which grows. */
  readonly content: Ref<HTMLDivElement>;
  /** Whether the pane scrolls along as the content grows. */
  readonly isFollowing: boolean;
  /** Scrolls to the end and focuses the pane. */
  readonly jump: () => void;
}

/** React 18 warns about layout effects on a server. */
const useLayout = typeof document === "undefined" ? useEffect : useLayoutEffect;

function distanceToEnd(pane: HTMLElement): number {
  return pane.scrollHeight - pane.scrollTop - pane.clientHeight;
}

/**
 * Keeps a pane scrolled to its end until the user scrolls up, and again once they scroll back.
 *
 * @param version a value that changes whenever the content may have grown.
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
    // Only a user scrolls upwards; `toEnd` and shrinking content scroll as well.
    const onScroll = (): void => {
      const isNear = distanceToEnd(element) <= NEAR_PX;
      if (isNear !== following.current && (isNear || element.scrollTop < last)) follow(isNear);
      last = element.scrollTop;
    };
    // Heights change when blocks are first laid out, and when the window is resized.
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
