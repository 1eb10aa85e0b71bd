import { type CSSProperties, memo, type ReactElement, useEffect, useRef, useState } from "react";

import type { OutputType } from "../index.js";
import { type Piece, piecesOf, textOf } from "../terminal/pieces.js";
import type { Block, Section } from "../terminal/transcript.js";
import type { JobOutputView } from "./useJobOutput.js";
import type { VisibilityObserver } from "./visibility.js";

/** Names of the types of text. A type whose name is null is not labelled. */
export type OutputLabels = Partial<Record<OutputType, string | null>>;

/** Props of `OutputSections`. */
export interface OutputSectionsProps {
  /** The result of `useJobOutput`. */
  output: Pick<JobOutputView, "sections" | "visibility">;
  /** Names of the types of text. */
  labels?: OutputLabels | undefined;
  /** Styles of the types of text. */
  styles?: Partial<Record<OutputType, CSSProperties>> | undefined;
}

const LABELS: Record<OutputType, string | null> = {
  thinking: "Thinking",
  writing: null,
  tool_call: "Tool call",
};

/** New sections and blocks this close to the end are probably visible: render them in color at once. */
const NEW_SECTIONS = 4;
const NEW_BLOCKS = 2;

/**
 * The lines of an output in sections of one type (`data-type`).
 *
 * The page contains all text, so that it can be found, selected and read aloud. Only visible blocks
 * are laid out; a block far from the viewport is one text node of 200 lines without colors.
 */
export function OutputSections(props: OutputSectionsProps): ReactElement {
  const { sections, visibility } = props.output;
  const labels = { ...LABELS, ...props.labels };
  return (
    <>
      {sections.map((section, index) => (
        <SectionView
          key={section.id}
          section={section}
          isNew={index >= sections.length - NEW_SECTIONS}
          label={labels[section.type]}
          style={props.styles?.[section.type]}
          visibility={visibility}
        />
      ))}
    </>
  );
}

interface SectionViewProps {
  section: Section;
  isNew: boolean;
  label: string | null;
  style: CSSProperties | undefined;
  visibility: VisibilityObserver;
}

const SectionView = memo((props: SectionViewProps): ReactElement => {
  const { section, isNew, label, style, visibility } = props;
  const { type, blocks } = section;
  return (
    <div data-part="section" data-type={type} style={style}>
      {label && <div data-part="type">{label}</div>}
      <div data-part="content">
        {blocks.map((block, index) => (
          <BlockView
            key={block.id}
            block={block}
            isNew={isNew && index >= blocks.length - NEW_BLOCKS}
            visibility={visibility}
          />
        ))}
      </div>
    </div>
  );
});
SectionView.displayName = "SectionView";

interface BlockViewProps {
  block: Block;
  isNew: boolean;
  visibility: VisibilityObserver;
}

/** Some lines. Renders again only when one of them changes, or when they come near the viewport. */
const BlockView = memo(({ block, isNew, visibility }: BlockViewProps): ReactElement => {
  const ref = useRef<HTMLDivElement>(null);
  const [isNear, setNear] = useState(isNew);
  useEffect(
    () => (ref.current ? visibility.observe(ref.current, setNear) : undefined),
    [visibility, setNear],
  );
  return (
    <div ref={ref} data-part="block" style={blockStyle(block.rows.length)}>
      {isNear
        ? piecesOf(block.rows).map((piece, index) => <PieceView key={index} {...piece} />)
        : textOf(block.rows)}
    </div>
  );
});
BlockView.displayName = "BlockView";

function blockStyle(lines: number): CSSProperties {
  return {
    contentVisibility: "auto",
    // The height before the first layout: an estimate that is exact if no line wraps.
    containIntrinsicBlockSize: `auto ${lines}lh`,
    whiteSpace: "var(--longwire-output-wrap, pre-wrap)",
    overflowWrap: "anywhere",
    // Each line has its own direction.
    unicodeBidi: "plaintext",
  };
}

function PieceView({ text, style, href }: Piece): ReactElement | string {
  if (href !== undefined) {
    return (
      <a style={style ?? undefined} href={href} target="_blank" rel="noreferrer">
        {text}
      </a>
    );
  }
  return style ? <span style={style}>{text}</span> : text;
}
