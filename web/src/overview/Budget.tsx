import { BudgetMeter, useBudget } from "longwire/react";
import { type ReactElement, useId } from "react";

import { formatCost } from "../format/number";
import { agentName } from "./agentName";

function Breakdown({ breakdown }: { readonly breakdown: Record<string, number> }): ReactElement {
  const entries = Object.entries(breakdown).sort(([, a], [, b]) => b - a);
  return (
    <dl>
      {entries.map(([agent, used]) => (
        <div className="fact" key={agent}>
          <dt>{agentName(agent)}</dt>
          <dd>{formatCost(used)}</dd>
        </div>
      ))}
    </dl>
  );
}

const formatUsed = (used: number, total: number): string =>
  `${formatCost(used)} of ${formatCost(total)}`;

/** The budget, how much of it is used, and by which agent. */
export function Budget(): ReactElement | null {
  const { budget, warning } = useBudget();
  const heading = useId();
  if (budget === null && warning === null) return null;
  return (
    <section className="panel" aria-labelledby={heading}>
      <h2 id={heading}>Budget</h2>
      {warning !== null && <p className="budget-warning">{warning.message}</p>}
      <BudgetMeter className="budget" budget={budget} format={formatUsed} />
      {budget !== null && <Breakdown breakdown={budget.breakdown} />}
    </section>
  );
}
