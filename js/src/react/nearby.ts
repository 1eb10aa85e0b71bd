type Callback = (isNear: boolean) => void;

/** Tells elements of a scrolled pane whether they are in sight, or less than a pane's height away. */
export class Nearby {
  readonly #callbacks = new Map<Element, Callback>();
  #observer: IntersectionObserver | null = null;

  constructor(private readonly root: () => Element | null) {}

  /** Calls back soon, and after each change, until the returned function is called. */
  observe(element: Element, callback: Callback): () => void {
    this.#callbacks.set(element, callback);
    this.#observer ??= new IntersectionObserver((entries) => this.#tell(entries), {
      root: this.root(),
      rootMargin: "100% 0px",
    });
    this.#observer.observe(element);
    return () => {
      this.#callbacks.delete(element);
      this.#observer?.unobserve(element);
      if (this.#callbacks.size === 0) this.#stop();
    };
  }

  #tell(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) this.#callbacks.get(target)?.(isIntersecting);
  }

  #stop(): void {
    this.#observer?.disconnect();
    this.#observer = null;
  }
}
