import type { ReactElement, ReactNode } from "react";

import { ThemeToggle } from "./ThemeToggle";

interface HeaderProps {
  /** The name in the corner, and where it leads. */
  readonly home: ReactNode;
  /** What stands between the name and the tools. */
  readonly wire: ReactNode;
  readonly children?: ReactNode;
}

/** The head of any page: the name, the wire and the tools. */
export function Header({ home, wire, children }: HeaderProps): ReactElement {
  return (
    <header className="masthead">
      {home}
      {wire}
      <div className="masthead-tools">
        {children}
        <ThemeToggle />
      </div>
    </header>
  );
}
