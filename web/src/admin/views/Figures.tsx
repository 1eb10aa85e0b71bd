import type { ReactElement, ReactNode } from "react";

export interface Figure {
  readonly name: string;
  readonly value: ReactNode;
  readonly title?: string | undefined;
  /** Draws attention to a value that is not as it should be. */
  readonly level?: "warn" | "bad" | undefined;
}

/** A row of named values. */
export function Figures({
  items,
  isCompact = false,
}: {
  readonly items: readonly Figure[];
  /** For values that are mostly text. */
  readonly isCompact?: boolean;
}): ReactElement {
  return (
    <dl className="figures" data-compact={isCompact}>
      {items.map(({ name, value, title, level }) => (
        <div key={name} className="figure" data-level={level}>
          <dt>{name}</dt>
          <dd title={title}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
