import type { CatalogSnapshot } from "../catalogStore.js";
import { useCatalog } from "./useCatalog.js";

/** The budget and the warning in force; null before their first event. */
export type BudgetView = Pick<CatalogSnapshot, "budget" | "warning">;

const select = ({ budget, warning }: CatalogSnapshot): BudgetView => ({ budget, warning });

/**
 * Returns the newest budget and its warning. A client has one budget: events of several rooms
 * replace each other.
 *
 * @param room a room to join while mounted, in addition to those that the server granted; null
 *   reads nothing.
 */
export function useBudget(room?: string | null): BudgetView {
  return useCatalog(room, select);
}
