import { ToastQueue } from "longwire/react";
import { createContext } from "react";

/** The queue of the notifications that the page shows. */
export const ToastsContext = createContext(new ToastQueue(0));
