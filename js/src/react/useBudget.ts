import type { FactsSnapshot } from "../facts.js";
import { useFact } from "./useFact.js";

/** What is spent, and the warning that holds; null until said. */
export type BudgetView = Pick<FactsSnapshot, "budget" | "warning">;

const select = ({ budget, warning }: FactsSnapshot): BudgetView => ({ budget, warning });

/**
 * The budget, as told in the rooms that come with signing in, or in a `room` that is joined while
 * mounted. `null` means none. A client hears of one budget: the last that was told.
 */
export function useBudget(room?: string | null): BudgetView {
  return useFact(room, select);
}
