import type { ReactElement } from "react";

import type { BudgetUpdatedEvent } from "../index.js";

export interface BudgetMeterProps {
  /** Nothing is shown before it is known. */
  budget: Pick<BudgetUpdatedEvent, "used" | "total" | "percentage"> | null;
  /** Its accessible name. */
  label?: string | undefined;
  /** Says what is used of the total. */
  format?: ((used: number, total: number) => string) | undefined;
  className?: string | undefined;
}

/** From here on it is worth a look, in percent: the lowest threshold of a warning. */
const HIGH = 80;

const formatPlain = (used: number, total: number): string => `${used} of ${total}`;

/** A native meter with its meaning in words. `data-level` is `normal`, `high` or `over`. */
export function BudgetMeter(props: BudgetMeterProps): ReactElement | null {
  const { budget, label = "Budget used", format = formatPlain, className } = props;
  if (!budget) return null;
  const { used, total, percentage } = budget;
  const text = `${format(used, total)} (${Math.round(percentage)} %)`;
  return (
    <div className={className} data-longwire="budget-meter" data-level={level(percentage)}>
      <meter
        aria-label={label}
        aria-valuetext={text}
        min={0}
        max={100}
        high={HIGH}
        optimum={0}
        value={percentage}
      />
      <span aria-hidden="true" data-part="text">
        {text}
      </span>
    </div>
  );
}

function level(percentage: number): "normal" | "high" | "over" {
  if (percentage > 100) return "over";
  return percentage >= HIGH ? "high" : "normal";
}
