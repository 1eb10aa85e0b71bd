import { useCallback } from "react";

import type { CatalogSnapshot } from "../catalogStore.js";
import type { Payload } from "../index.js";
import { type InitialData, newest } from "./newest.js";
import { useCatalog } from "./useCatalog.js";

/** The budget of a user, and the warning about it. */
export interface BudgetView {
  /** The newest budget; null before the first event. */
  readonly budget: Payload<"budget:updated"> | null;
  /** The warning in force; null if spending is below its threshold. */
  readonly warning: Payload<"budget:warning"> | null;
}

/**
 * Returns the newest budget and its warning. A client has one budget: events of several rooms
 * replace each other.
 *
 * @param room a room to join while mounted, in addition to those that the server granted; null
 *   reads nothing.
 */
export function useBudget(
  room?: string | null,
  { initialData }: InitialData<Payload<"budget:updated">> = {},
): BudgetView {
  const select = useCallback(
    ({ budget, warning }: CatalogSnapshot): BudgetView => ({
      budget: newest(budget, initialData),
      warning,
    }),
    [initialData],
  );
  return useCatalog(room, select);
}
