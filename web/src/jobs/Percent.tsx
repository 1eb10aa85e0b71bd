import type { ReactElement } from "react";

/** Progress in whole percent; only what is done is called 100. Figures of one width do not jump. */
export function Percent({ progress }: { readonly progress: number }): ReactElement {
  return (
    <>
      {Math.floor(progress)}
      <span className="percent-sign">%</span>
    </>
  );
}
