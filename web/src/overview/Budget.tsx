import type { BudgetUpdatedEvent } from "longwire";
import { useBudget } from "longwire/react";
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

function Used({ budget }: { readonly budget: BudgetUpdatedEvent }): ReactElement {
  const text = `${formatCost(budget.used)} of ${formatCost(budget.total)}`;
  const level = budget.percentage >= 100 ? "over" : budget.percentage >= 80 ? "high" : "normal";
  return (
    <>
      <p className="budget-used">
        <span>{text}</span>
        <span>{Math.round(budget.percentage)}%</span>
      </p>
      <meter
        className="meter"
        data-level={level}
        aria-label="Budget used"
        value={budget.percentage}
        min={0}
        max={100}
        high={80}
      >
        {text}
      </meter>
      <Breakdown breakdown={budget.breakdown} />
    </>
  );
}

/** What may be spent, what was, and by whom. */
export function Budget(): ReactElement | null {
  const { budget, warning } = useBudget();
  const heading = useId();
  if (budget === null && warning === null) return null;
  return (
    <section className="panel" aria-labelledby={heading}>
      <h2 id={heading}>Budget</h2>
      {warning !== null && <p className="budget-warning">{warning.message}</p>}
      {budget !== null && <Used budget={budget} />}
    </section>
  );
}
