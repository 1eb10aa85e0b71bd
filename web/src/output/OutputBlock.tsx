import { memo, type ReactElement } from "react";

import type { Block } from "../terminal/transcript";
import { type Piece, piecesOf } from "./pieces";

function PieceView({ text, style, href }: Piece): ReactElement | string {
  const { className, ...colours } = style ?? { className: "" };
  if (href !== undefined) {
    return (
      <a className={className} style={colours} href={href} target="_blank" rel="noreferrer">
        {text}
      </a>
    );
  }
  if (style === null) return text;
  return (
    <span className={className} style={colours}>
      {text}
    </span>
  );
}

/** Some lines of output; drawn again only when one of them changes, laid out only when near. */
export const OutputBlock = memo(function OutputBlock({ block }: { readonly block: Block }): ReactElement {
  // How high a block is that was never laid out: a guess, right for lines that do not wrap.
  const style = { containIntrinsicBlockSize: `auto ${block.rows.length}lh` };
  return (
    <div className="output-block" style={style}>
      {piecesOf(block.rows).map((piece, index) => (
        <PieceView key={index} {...piece} />
      ))}
    </div>
  );
});
