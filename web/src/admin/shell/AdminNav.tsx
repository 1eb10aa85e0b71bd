import { type ReactElement, useEffect, useRef } from "react";

import { Link } from "../routing/Link";
import type { View } from "../routing/place";

/** The views that the navigation lists, and the pages below each. */
const ITEMS: readonly { readonly view: View; readonly name: string; readonly below?: View }[] = [
  { view: "overview", name: "Overview" },
  { view: "nodes", name: "Nodes" },
  { view: "connections", name: "Connections", below: "connection" },
  { view: "rooms", name: "Rooms", below: "room" },
  { view: "jobs", name: "Jobs" },
  { view: "health", name: "Health" },
  { view: "contracts", name: "Contracts" },
  { view: "audit", name: "Audit" },
];

/** Links to the views. On a narrow window they are one line that scrolls. */
export function AdminNav({ current }: { readonly current: View | null }): ReactElement {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current
      ?.querySelector("[aria-current]")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return (
    <nav className="admin-nav" aria-label="Views">
      <ul ref={list}>
        {ITEMS.map(({ view, name, below }) => (
          <li key={view}>
            <Link
              view={view}
              aria-current={current === view ? "page" : current === below ? "true" : undefined}
            >
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
