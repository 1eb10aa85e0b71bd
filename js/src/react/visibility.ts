type Callback = (isNear: boolean) => void;

/** Observes which elements of a scrolled pane are visible, or less than a pane's height away. */
export class VisibilityObserver {
  readonly #root: () => Element | null;
  readonly #callbacks = new Map<Element, Callback>();
  #observer: IntersectionObserver | null = null;

  /** @param root returns the element that scrolls. */
  constructor(root: () => Element | null) {
    this.#root = root;
  }

  /** Calls back soon and after each change; returns a function that stops it. */
  observe(element: Element, callback: Callback): () => void {
    this.#callbacks.set(element, callback);
    this.#observer ??= new IntersectionObserver((entries) => this.#notify(entries), {
      root: this.#root(),
      rootMargin: "100% 0px",
    });
    this.#observer.observe(element);
    return () => {
      this.#callbacks.delete(element);
      this.#observer?.unobserve(element);
      if (this.#callbacks.size === 0) this.#stop();
    };
  }

  #notify(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) this.#callbacks.get(target)?.(isIntersecting);
  }

  #stop(): void {
    this.#observer?.disconnect();
    this.#observer = null;
  }
}
