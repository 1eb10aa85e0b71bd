// @vitest-environment happy-dom
import { act, fireEvent, render, screen } from "@testing-library/react";
import { type ReactElement, StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { initialJob, type JobState, type OutputChunk } from "../../src/index.js";
import { JobOutput, OutputSections, useJobOutput } from "../../src/react/index.js";
import "./setup.js";

function job(output: readonly OutputChunk[], change: Partial<JobState> = {}): JobState {
  return { ...initialJob("1"), output, ...change };
}

const KINDS: OutputChunk[] = [
  { text: "hm", type: "thinking" },
  { text: "Answer", type: "writing" },
  { text: "grep", type: "tool_call" },
  { text: "plain" },
];

const part = (name: string): HTMLElement[] => [
  ...document.querySelectorAll<HTMLElement>(`[data-part=${name}]`),
];

/** An IntersectionObserver that tests control, since happy-dom has no layout. */
class FakeObserver {
  static readonly all: FakeObserver[] = [];
  readonly seen = new Set<Element>();
  readonly options: { root: Element | null };
  readonly #notify: (entries: object[]) => void;

  constructor(notify: (entries: object[]) => void, options: { root: Element | null }) {
    this.#notify = notify;
    this.options = options;
    FakeObserver.all.push(this);
  }

  observe(element: Element): void {
    this.seen.add(element);
  }

  unobserve(element: Element): void {
    this.seen.delete(element);
  }

  disconnect(): void {
    this.seen.clear();
  }

  /** Makes only these elements visible. */
  static show(...elements: Element[]): void {
    act(() => {
      for (const observer of FakeObserver.all) {
        const isIntersecting = (target: Element): boolean => elements.includes(target);
        const entries = [...observer.seen].map((target) => ({
          target,
          isIntersecting: isIntersecting(target),
        }));
        observer.#notify(entries);
      }
    });
  }
}

beforeEach(() => {
  FakeObserver.all.length = 0;
  vi.stubGlobal("IntersectionObserver", FakeObserver);
});
afterEach(() => void vi.unstubAllGlobals());

describe("JobOutput", () => {
  it("marks the types of text (D55)", () => {
    render(<JobOutput job={job(KINDS)} typeLabels={{ tool_call: "Werkzeug" }} />);
    expect(
      part("section").map((section) => [section.dataset["type"], section.textContent]),
    ).toEqual([
      ["thinking", "Thinkinghm\n"],
      ["writing", "Answer\n"],
      ["tool_call", "Werkzeuggrep\n"],
      ["writing", "plain\n"],
    ]);
  });

  it("shows colors and overwritten lines", () => {
    render(<JobOutput job={job([{ text: " 10%\r100%\n\x1b[1;31mfailed\x1b[0m: ab\b\x1b[Kc" }])} />);
    expect(part("text")[0]?.textContent).toBe("100%\nfailed: ac\n");
    const failed = screen.getByText("failed");
    expect(failed.style.fontWeight).toBe("700");
    expect(failed.style.color).toContain("--longwire-ansi-1");
  });

  it("opens links in another tab", () => {
    render(<JobOutput job={job([{ text: "see https://x.org/a." }])} />);
    const link = screen.getByRole("link", { name: "https://x.org/a" });
    expect(link.getAttribute("rel")).toBe("noreferrer");
  });

  it("is never a live region, and can be reached by keyboard (E72)", () => {
    render(<JobOutput job={job(KINDS, { isRunning: true })} label="Output of Report" />);
    const log = screen.getByRole("log", { name: "Output of Report" });
    expect(log.getAttribute("aria-live")).toBe("off");
    expect(log.getAttribute("aria-busy")).toBe("true");
    expect(log.tabIndex).toBe(0);
    expect(document.querySelector("[aria-live]:not([aria-live=off])")).toBeNull();
  });

  it("follows the end until the user scrolls up, and returns on request", () => {
    const { rerender } = render(<JobOutput job={job(KINDS)} />);
    const log = screen.getByRole("log");
    Object.defineProperties(log, {
      scrollHeight: { value: 1_000, configurable: true },
      clientHeight: { value: 100, configurable: true },
    });
    const more = (text: string): void => rerender(<JobOutput job={job([...KINDS, { text }])} />);
    more("more");
    expect(log.scrollTop).toBe(1_000);
    fireEvent.scroll(log);
    log.scrollTop = 10;
    fireEvent.scroll(log);
    more("more and more");
    expect(log.scrollTop).toBe(10);
    fireEvent.click(screen.getByRole("button", { name: "Jump to latest" }));
    expect(log.scrollTop).toBe(1_000);
    expect(document.activeElement).toBe(log);
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("shows that its beginning was dropped", () => {
    render(<JobOutput job={job(KINDS, { outputTruncated: true })} truncatedLabel="Gekürzt." />);
    expect(part("truncated")[0]?.textContent).toBe("Gekürzt.");
  });

  it("keeps showing text that the job has dropped", () => {
    const chunks = ["one\n", "two\n", "three\n"].map((text) => ({ text }));
    const { rerender } = render(<JobOutput job={job(chunks)} />);
    rerender(<JobOutput job={job([...chunks.slice(1), { text: "four\n" }])} />);
    expect(part("text")[0]?.textContent).toBe("one\ntwo\nthree\nfour\n");
  });

  it("never shows one job's output under another's id (D52)", () => {
    const same = { text: "Loading…\n" };
    const { rerender } = render(<JobOutput job={job([{ text: "secret\n" }, same])} />);
    rerender(<JobOutput job={job([same], { jobId: "2" })} />);
    expect(part("text")[0]?.textContent).toBe("Loading…\n");
  });
});

describe("100,000 lines", () => {
  const LINES = Array.from(
    { length: 100_000 },
    (_, index) => `\x1b[3${index % 8}mline\x1b[0m ${index}\n`,
  );
  const LONG = job([{ text: LINES.join("") }]);

  it("are few nodes that contain all text", () => {
    render(
      <StrictMode>
        <JobOutput job={LONG} />
      </StrictMode>,
    );
    expect(nodes()).toBeLessThan(3_000);
    expect(part("text")[0]?.textContent).toContain("line 0\nline 1\n");
    expect(part("text")[0]?.textContent).toContain("line 99998\nline 99999\n");
  });

  it("have colors only near the viewport", () => {
    render(<JobOutput job={LONG} />);
    const blocks = part("block");
    const [first, newest] = [blocks[0] as HTMLElement, blocks.at(-1) as HTMLElement];
    expect(newest.querySelectorAll("span")).toHaveLength(200);
    expect(first.querySelectorAll("span")).toHaveLength(0);
    FakeObserver.show(first);
    expect(first.querySelectorAll("span")).toHaveLength(200);
    expect(newest.querySelectorAll("span")).toHaveLength(0);
    expect(first.textContent).toBe(
      LINES.slice(0, 200)
        .join("")
        .replace(/\x1b\[\d+m/g, ""),
    );
    expect(FakeObserver.all[0]?.options.root).toBe(screen.getByRole("log"));
  });

  it("cost only the new lines when they grow", () => {
    const { rerender } = render(<JobOutput job={LONG} />);
    const before = part("block");
    const changed: Node[] = [];
    const observer = new MutationObserver((records) =>
      changed.push(...records.map((record) => record.target)),
    );
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    rerender(<JobOutput job={{ ...LONG, output: [...LONG.output, { text: "more\n" }] }} />);
    expect(part("block").slice(0, before.length)).toEqual(before);
    expect(observer.takeRecords().length).toBeLessThan(10);
    observer.disconnect();
  });

  it("are not observed after they are removed", () => {
    const { unmount } = render(<JobOutput job={LONG} />);
    expect(FakeObserver.all.at(-1)?.seen.size).toBe(500);
    unmount();
    expect(FakeObserver.all.map(({ seen }) => seen.size)).toEqual(FakeObserver.all.map(() => 0));
  });

  function nodes(): number {
    const walker = document.createTreeWalker(document.body);
    let count = 0;
    while (walker.nextNode()) count++;
    return count;
  }
});

describe("useJobOutput", () => {
  it("is enough for a custom component", () => {
    function Own(): ReactElement {
      const output = useJobOutput(job(KINDS));
      return (
        <div ref={output.pane} title={output.text()}>
          <div ref={output.content}>
            {output.lines} lines
            <OutputSections output={output} />
          </div>
        </div>
      );
    }
    const { container } = render(<Own />);
    expect(container.textContent).toContain("4 lines");
    expect(screen.getByTitle(/Answer/)).toBeDefined();
  });
});
