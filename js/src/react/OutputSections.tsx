import { type CSSProperties, memo, type ReactElement, useEffect, useRef, useState } from "react";

import type { OutputType } from "../index.js";
import { type Piece, piecesOf, textOf } from "../terminal/pieces.js";
import type { Block, Section } from "../terminal/transcript.js";
import type { Nearby } from "./nearby.js";
import type { JobOutputView } from "./useJobOutput.js";

/** Names of the kinds of text; null shows none. */
export type OutputLabels = Partial<Record<OutputType, string | null>>;

export interface OutputSectionsProps {
  /** What `useJobOutput` gives. */
  output: Pick<JobOutputView, "sections" | "nearby">;
  labels?: OutputLabels | undefined;
  /** How each kind of text is set apart. */
  styles?: Partial<Record<OutputType, CSSProperties>> | undefined;
}

const LABELS: Record<OutputType, string | null> = {
  thinking: "Thinking",
  writing: null,
  tool_call: "Tool call",
};

/** What is this near to the end when it appears is probably seen: in colour from the start. */
const NEW_SECTIONS = 4;
const NEW_BLOCKS = 2;

/**
 * The lines of an output, its kinds told apart (`data-type`).
 *
 * All text is in the page, so that it can be found, selected and read; laid out is only what is in
 * sight, and what is farther away is one piece of text for every 200 lines, without its colours.
 */
export function OutputSections(props: OutputSectionsProps): ReactElement {
  const { sections, nearby } = props.output;
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
          nearby={nearby}
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
  nearby: Nearby;
}

const SectionView = memo((props: SectionViewProps): ReactElement => {
  const { section, isNew, label, style, nearby } = props;
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
            nearby={nearby}
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
  nearby: Nearby;
}

/** Some lines; drawn again only when one of them changes or when they come near. */
const BlockView = memo(({ block, isNew, nearby }: BlockViewProps): ReactElement => {
  const ref = useRef<HTMLDivElement>(null);
  const [isNear, setNear] = useState(isNew);
  useEffect(
    () => (ref.current ? nearby.observe(ref.current, setNear) : undefined),
    [nearby, setNear],
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
    // How high a block is that was never laid out: a guess, right for lines that do not wrap.
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
