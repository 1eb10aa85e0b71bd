import {
  type CSSProperties,
  createContext,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useState,
} from "react";

import { Announcer, type Messages, NO_MESSAGES, type Politeness } from "./announcer.js";
import { useReadable } from "./useReadable.js";

export type { Politeness } from "./announcer.js";

/** Announces a message to screen readers. */
export type Announce = (message: string, politeness?: Politeness) => void;

const HIDDEN: CSSProperties = {
  position: "absolute",
  width: 1,
  height: 1,
  margin: -1,
  padding: 0,
  border: 0,
  overflow: "hidden",
  clipPath: "inset(50%)",
  whiteSpace: "nowrap",
};

const AnnounceContext = createContext<Announce | null>(null);

const whole = (messages: Messages): Messages => messages;

function useAnnouncer(): Announcer {
  const [announcer] = useState(() => new Announcer());
  useEffect(() => () => announcer.stop(), [announcer]);
  return announcer;
}

/** The two live regions. Screen readers require that they exist, empty, before the first message. */
function Regions({ announcer }: { announcer: Announcer }): ReactElement {
  const messages = useReadable(announcer.messages, NO_MESSAGES, whole);
  return (
    <>
      <div role="status" aria-live="polite" aria-atomic="true" style={HIDDEN}>
        {messages.polite}
      </div>
      <div role="alert" aria-live="assertive" aria-atomic="true" style={HIDDEN}>
        {messages.assertive}
      </div>
    </>
  );
}

/** Provides `useAnnounce` to its children. */
export function LiveRegionProvider({ children }: { children?: ReactNode }): ReactElement {
  const announcer = useAnnouncer();
  return (
    <AnnounceContext.Provider value={announcer.announce}>
      {children}
      <Regions announcer={announcer} />
    </AnnounceContext.Provider>
  );
}

const NO_ANNOUNCE: Announce = () => undefined;

/** Returns a function that announces messages through the nearest `LiveRegionProvider`, if there is one. */
export function useAnnounce(): Announce {
  return useContext(AnnounceContext) ?? NO_ANNOUNCE;
}

/** Props of `LiveRegion`. */
export interface LiveRegionProps {
  /** Announced when it changes, and on mounting unless it is empty. */
  message: string;
  /** Default: `polite`. */
  priority?: Politeness | undefined;
}

/** Announces its message to screen readers; invisible. */
export function LiveRegion({ message, priority = "polite" }: LiveRegionProps): ReactElement {
  const announcer = useAnnouncer();
  useEffect(() => announcer.announce(message, priority), [announcer, message, priority]);
  return <Regions announcer={announcer} />;
}
