import { useContext, useEffect, useSyncExternalStore } from "react";

import type { Operator } from "./Api";
import { SessionContext } from "./context";

/** Returns the operator, and whether actions are allowed; asked for once per sign-in. */
export function useOperator(): Operator {
  const { api } = useContext(SessionContext);
  useEffect(() => void api.askOperator(), [api]);
  return useSyncExternalStore(api.subscribe, api.operator);
}
