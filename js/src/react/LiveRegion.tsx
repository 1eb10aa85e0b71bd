import {
  type CSSProperties,
  createContext,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useState,
} from "react";

import { Announcer, type Politeness, SILENCE, type Spoken } from "./announcer.js";
import { useReadable } from "./useReadable.js";

export type { Politeness } from "./announcer.js";

/** Has a message spoken by a screen reader. */
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

const whole = (spoken: Spoken): Spoken => spoken;

function useAnnouncer(): Announcer {
  const [announcer] = useState(() => new Announcer());
  useEffect(() => () => announcer.stop(), [announcer]);
  return announcer;
}

/** The two regions: there from the start, empty, and never changing their politeness. */
function Regions({ announcer }: { announcer: Announcer }): ReactElement {
  const spoken = useReadable(announcer.spoken, SILENCE, whole);
  return (
    <>
      <div role="status" aria-live="polite" aria-atomic="true" style={HIDDEN}>
        {spoken.polite}
      </div>
      <div role="alert" aria-live="assertive" aria-atomic="true" style={HIDDEN}>
        {spoken.assertive}
      </div>
    </>
  );
}

/** Gives the tree below it one voice: `useAnnounce`. */
export function LiveRegionProvider({ children }: { children?: ReactNode }): ReactElement {
  const announcer = useAnnouncer();
  return (
    <AnnounceContext.Provider value={announcer.announce}>
      {children}
      <Regions announcer={announcer} />
    </AnnounceContext.Provider>
  );
}

const SILENT: Announce = () => undefined;

/** Has messages spoken by the nearest `LiveRegionProvider`; without one nothing is. */
export function useAnnounce(): Announce {
  return useContext(AnnounceContext) ?? SILENT;
}

export interface LiveRegionProps {
  /** Spoken when it changes, and at first if it is not empty. */
  message: string;
  priority?: Politeness | undefined;
}

/** Speaks its message; invisible. */
export function LiveRegion({ message, priority = "polite" }: LiveRegionProps): ReactElement {
  const announcer = useAnnouncer();
  useEffect(() => announcer.announce(message, priority), [announcer, message, priority]);
  return <Regions announcer={announcer} />;
}
