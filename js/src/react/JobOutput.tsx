import {
  memo,
  type ReactElement,
  type ReactNode,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";

import type { OutputChunk, OutputType } from "../index.js";

export interface JobOutputProps {
  output: readonly OutputChunk[];
  /** Its accessible name. */
  label?: string;
  /** Whether more is coming. */
  isRunning?: boolean;
  className?: string;
  /** Names of the kinds of text. */
  typeLabels?: Partial<Record<OutputType, string>>;
  /** The button that goes back to the newest output. */
  latestLabel?: string;
  /** Renders the text of a chunk, for colours and the like. */
  renderText?: (text: string) => ReactNode;
}

interface Section {
  readonly type: OutputType | null;
  readonly chunks: OutputChunk[];
}

const TYPE_LABELS: Record<OutputType, string> = {
  thinking: "Thinking",
  writing: "Writing",
  tool_call: "Tool call",
};

/** How near to its end a reader may be to be taken along, in pixels. */
const NEAR_END = 24;

/**
 * Streaming text, its kinds told apart (`data-type`). Follows the end until the reader scrolls
 * away. Never a live region: spoken token by token it would be unusable.
 */
export function JobOutput(props: JobOutputProps): ReactElement {
  const { output, label = "Output", isRunning = false, className } = props;
  const sections = useMemo(() => group(output), [output]);
  const { ref, isFollowing, onScroll, follow } = useFollowEnd(output);
  return (
    <div className={className} data-longwire="job-output">
      <div
        ref={ref}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-busy={isRunning}
        aria-label={label}
        tabIndex={0}
        data-part="text"
      >
        {sections.map((section, index) => (
          <SectionView key={index} section={section} {...props} />
        ))}
      </div>
      {!isFollowing && (
        <button type="button" data-part="latest" onClick={follow}>
          {props.latestLabel ?? "Jump to latest"}
        </button>
      )}
    </div>
  );
}

function SectionView(props: JobOutputProps & { section: Section }): ReactElement {
  const { type, chunks } = props.section;
  return (
    <div data-part="section" data-type={type ?? "plain"}>
      {type && <div data-part="type">{props.typeLabels?.[type] ?? TYPE_LABELS[type]}</div>}
      <div data-part="content" style={{ whiteSpace: "pre-wrap" }}>
        {chunks.map((chunk, index) => (
          <Chunk key={index} text={chunk.text} render={props.renderText} />
        ))}
      </div>
    </div>
  );
}

interface ChunkProps {
  text: string;
  render: ((text: string) => ReactNode) | undefined;
}

/** Only the newest chunk grows; the others are not rendered again. */
const Chunk = memo(({ text, render }: ChunkProps): ReactElement => (
  <>{render ? render(text) : text}</>
));
Chunk.displayName = "Chunk";

function group(output: readonly OutputChunk[]): Section[] {
  const sections: Section[] = [];
  for (const chunk of output) {
    const type = chunk.type ?? null;
    const last = sections.at(-1);
    if (last?.type === type) last.chunks.push(chunk);
    else sections.push({ type, chunks: [chunk] });
  }
  return sections;
}

interface Following {
  ref: React.RefObject<HTMLDivElement | null>;
  isFollowing: boolean;
  onScroll: () => void;
  follow: () => void;
}

function useFollowEnd(content: unknown): Following {
  const ref = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element && isFollowing) element.scrollTop = element.scrollHeight;
  }, [content, isFollowing]);
  const onScroll = (): void => {
    const element = ref.current;
    if (!element) return;
    setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR_END);
  };
  return { ref, isFollowing, onScroll, follow: () => setFollowing(true) };
}
