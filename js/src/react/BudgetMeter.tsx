import type { ReactElement } from "react";

import type { BudgetUpdatedEvent } from "../index.js";

/** Props of `BudgetMeter`. */
export interface BudgetMeterProps {
  /** The budget, as `useBudget` returns it. Null renders nothing. */
  budget: Pick<BudgetUpdatedEvent, "used" | "total" | "percentage"> | null;
  /** The accessible name. */
  label?: string | undefined;
  /** Formats how much of the total is used. */
  format?: ((used: number, total: number) => string) | undefined;
  /** The class of the outermost element. */
  className?: string | undefined;
}

/** The percentage of the first budget warning. */
const HIGH = 80;

const formatPlain = (used: number, total: number): string => `${used} of ${total}`;

/** A native meter with its value in words. `data-level` is `normal`, `high` or `over`. */
export function BudgetMeter(props: BudgetMeterProps): ReactElement | null {
  const { budget, label = "Budget used", format = formatPlain, className } = props;
  if (!budget) return null;
  const { used, total, percentage } = budget;
  const text = format(used, total);
  const percent = `${Math.round(percentage)}%`;
  return (
    <div className={className} data-longwire="budget-meter" data-level={level(percentage)}>
      <meter
        aria-label={label}
        aria-valuetext={`${text} (${percent})`}
        min={0}
        max={100}
        high={HIGH}
        optimum={0}
        value={percentage}
      />
      <span aria-hidden="true" data-part="text">
        {text}
      </span>{" "}
      <span aria-hidden="true" data-part="percent">
        {percent}
      </span>
    </div>
  );
}

function level(percentage: number): "normal" | "high" | "over" {
  if (percentage > 100) return "over";
  return percentage >= HIGH ? "high" : "normal";
}
