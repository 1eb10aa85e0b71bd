import type { AnnouncementEvent } from "longwire";
import { useAnnounce } from "longwire/react";
import { type ReactElement, useEffect, useState } from "react";

import { Age } from "../jobs/Times";
import { useOverview } from "./useOverview";

const KEY = "longwire.announcements.seen";

/** Up to which moment announcements were dismissed in this tab. */
function readSeen(): number {
  try {
    return Number(sessionStorage.getItem(KEY)) || 0;
  } catch {
    return 0;
  }
}

function writeSeen(moment: number): void {
  try {
    sessionStorage.setItem(KEY, String(moment));
  } catch {
    // Without storage a dismissed announcement comes back with the next visit.
  }
}

/** Speaks of what is announced while the page is open, not of what was before. */
function useSpoken(announcements: readonly AnnouncementEvent[]): void {
  const announce = useAnnounce();
  const [openedAt] = useState(() => Date.now());
  const newest = announcements[0];
  useEffect(() => {
    if (!newest || newest.timestamp < openedAt) return;
    announce(newest.message, newest.level === "error" ? "assertive" : "polite");
  }, [announce, newest, openedAt]);
}

/** What the operators have to say to everyone, until the reader has seen it. */
export function Announcements(): ReactElement | null {
  const { announcements } = useOverview();
  const [seen, setSeen] = useState(readSeen);
  useSpoken(announcements);
  const shown = announcements.filter(({ timestamp }) => timestamp > seen);
  const newest = shown[0];
  if (!newest) return null;
  function dismiss(moment: number): void {
    writeSeen(moment);
    setSeen(moment);
  }
  return (
    <section className="announcements" aria-label="Announcements">
      <ul>
        {shown.map((announcement) => (
          <li key={`${announcement.timestamp} ${announcement.message}`} data-level={announcement.level}>
            <p>
              {announcement.level !== "info" && <strong>{announcement.level === "error" ? "Problem. " : "Warning. "}</strong>}
              {announcement.message}
            </p>
            <Age moment={announcement.timestamp} />
          </li>
        ))}
      </ul>
      <button type="button" className="quiet" onClick={() => dismiss(newest.timestamp)}>
        Dismiss
      </button>
    </section>
  );
}
