import { type RefObject, useEffect, useRef } from "react";

/** Returns a ref to the value of the last committed render, for callbacks that run later. */
export function useLatestRef<T>(value: T): RefObject<T> {
  const ref = useRef(value);
  useEffect(() => {
    ref.current = value;
  });
  return ref;
}
