import type { JobStatus } from "longwire";
import type { ReactElement, ReactNode } from "react";

interface GlyphProps {
  readonly name: string;
  readonly children: ReactNode;
}

/** An icon on a grid of 16, in the color of the text. Text beside it has the same meaning. */
function Glyph({ name, children }: GlyphProps): ReactElement {
  return (
    <svg className={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const STATUS_GLYPHS: Readonly<Record<JobStatus, ReactNode>> = {
  queued: <circle cx="8" cy="8" r="6" strokeDasharray="2.4 2.3" />,
  running: (
    <>
      <circle cx="8" cy="8" r="6" opacity=".28" />
      <path d="M8 2a6 6 0 0 1 6 6" />
    </>
  ),
  completed: <path d="m2.8 8.6 3.4 3.4 7-7.6" />,
  failed: <path d="m3.6 3.6 8.8 8.8m0-8.8-8.8 8.8" />,
  cancelled: <path d="M13.2 8a5.2 5.2 0 1 1-10.4 0 5.2 5.2 0 0 1 10.4 0M4.4 11.6l7.2-7.2" />,
};

export function StatusIcon({ status }: { readonly status: JobStatus }): ReactElement {
  return <Glyph name={status}>{STATUS_GLYPHS[status]}</Glyph>;
}

export function ArrowDownIcon(): ReactElement {
  return (
    <Glyph name="down">
      <path d="M8 2.5v10m-4-4 4 4 4-4" />
    </Glyph>
  );
}

export function BackIcon(): ReactElement {
  return (
    <Glyph name="back">
      <path d="M13.5 8h-11m4.5-4.5L2.5 8 7 12.5" />
    </Glyph>
  );
}

export function SunIcon(): ReactElement {
  return (
    <Glyph name="sun">
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1v1.6m0 10.8V15M1 8h1.6m10.8 0H15M3 3l1.2 1.2m7.6 7.6L13 13M3 13l1.2-1.2m7.6-7.6L13 3" />
    </Glyph>
  );
}

export function MoonIcon(): ReactElement {
  return (
    <Glyph name="moon">
      <path d="M13.6 9.8A6 6 0 0 1 6.2 2.4a6 6 0 1 0 7.4 7.4Z" />
    </Glyph>
  );
}
