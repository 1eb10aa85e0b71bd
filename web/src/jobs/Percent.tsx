import type { ReactElement } from "react";

/** Progress in whole percent, rounded down: 100% means done. */
export function Percent({ progress }: { readonly progress: number }): ReactElement {
  return (
    <>
      {Math.floor(progress)}
      <span className="percent-sign">%</span>
    </>
  );
}
