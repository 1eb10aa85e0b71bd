import type { AnnouncementEvent } from "longwire";
import { useAnnounce, useEvent } from "longwire/react";
import { type ReactElement, useState } from "react";

import { Age } from "../jobs/Times";

const KEY = "longwire.announcements.seen";

/** Returns the time of the newest announcement that was dismissed in this tab. */
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
    // Without storage a dismissed announcement returns with the next visit.
  }
}

const KEPT = 3;

function isSame(a: AnnouncementEvent, b: AnnouncementEvent): boolean {
  return a.timestamp === b.timestamp && a.message === b.message;
}

/** Returns the last announcements, newest first. New ones are announced to screen readers. */
function useAnnouncements(): readonly AnnouncementEvent[] {
  const announce = useAnnounce();
  const [openedAt] = useState(() => Date.now());
  const [announcements, setAnnouncements] = useState<readonly AnnouncementEvent[]>([]);
  useEvent("announcement", (event) => {
    setAnnouncements((known) => {
      const all = [event, ...known.filter((other) => !isSame(other, event))];
      return all.sort((a, b) => b.timestamp - a.timestamp).slice(0, KEPT);
    });
    if (event.timestamp >= openedAt) {
      announce(event.message, event.level === "error" ? "assertive" : "polite");
    }
  });
  return announcements;
}

const WORDS: Readonly<Record<AnnouncementEvent["level"], string>> = {
  info: "",
  warning: "Warning. ",
  error: "Error. ",
};

/** The announcements of the operators, until the user dismisses them. */
export function Announcements(): ReactElement | null {
  const announcements = useAnnouncements();
  const [seen, setSeen] = useState(readSeen);
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
          <li
            key={`${announcement.timestamp} ${announcement.message}`}
            data-level={announcement.level}
          >
            <p>
              <strong>{WORDS[announcement.level]}</strong>
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
