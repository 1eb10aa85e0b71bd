import type { AnchorHTMLAttributes, MouseEvent, ReactElement } from "react";

import { formatPlace, type Query, type View } from "./place";
import { navigate } from "./usePlace";

interface LinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href" | "onClick"> {
  readonly view: View;
  readonly query?: Query;
}

/** Whether the browser should follow the link itself: into another tab, or as a download. */
function isForBrowser(event: MouseEvent): boolean {
  return event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
}

/** A link to a view of this page. */
export function Link({ view, query, ...rest }: LinkProps): ReactElement {
  const href = formatPlace(view, query);
  function onClick(event: MouseEvent): void {
    if (isForBrowser(event)) return;
    event.preventDefault();
    navigate(href);
  }
  return <a {...rest} href={href} onClick={onClick} />;
}
