import { type ReactElement, useEffect, useId, useRef, useState } from "react";

import { count, formatNumber } from "../../format/number";
import { formatPlace } from "../routing/place";
import { navigate } from "../routing/usePlace";
import type { Column, Sorting } from "./Table";

/** How long the user may pause between two letters of a search. */
const TYPING_MS = 250;
const LIMITS = ["50", "100", "200", "500"] as const;
export const DEFAULT_LIMIT = "50";

interface SearchProps {
  readonly sorting: Sorting;
  readonly label: string;
  readonly name: string;
}

/** Searches while the user types. */
function Search({ sorting, label, name }: SearchProps): ReactElement {
  const given = sorting.query[name] ?? "";
  const [typed, setTyped] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  function search(text: string): void {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      navigate(formatPlace(sorting.view, { ...sorting.query, [name]: text.trim() }), {
        replace: true,
      });
      setTyped(null);
    }, TYPING_MS);
  }
  return (
    <input
      className="search"
      type="search"
      aria-label={label}
      placeholder={label}
      autoComplete="off"
      spellCheck={false}
      value={typed ?? given}
      onChange={(event) => search(event.target.value)}
    />
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly className: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, name: string])[];
  readonly onChoose: (value: string) => void;
}

/** A labelled choice from a few values. */
export function Choice({ label, className, value, options, onChoose }: ChoiceProps): ReactElement {
  const id = useId();
  return (
    <span className={`choice ${className}`}>
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoose(event.target.value)}>
        {options.map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}

interface ToolbarProps<Row> {
  readonly sorting: Sorting;
  readonly columns: readonly Column<Row>[];
  /** The label of the search, which names what it looks through. */
  readonly searchLabel: string;
  readonly searchName?: string;
  readonly noun: string;
  readonly shown: number;
  readonly total: number;
}

/** The search, the number of rows, and on a narrow window the order of a table. */
export function Toolbar<Row>(props: ToolbarProps<Row>): ReactElement {
  const { sorting, columns, searchLabel, searchName = "q", noun, shown, total } = props;
  const { view, query, sort } = sorting;
  const orders = columns
    .filter(({ isFixed = false }) => !isFixed)
    .map(({ key, name, isNumeric = false }) => [isNumeric ? `-${key}` : key, name] as const);
  const known = orders.some(([value]) => value === sort)
    ? orders
    : [[sort, `${sort.replace(/^-/, "")} (other way)`] as const, ...orders];
  return (
    <div className="toolbar">
      <Search sorting={sorting} label={searchLabel} name={searchName} />
      <span className="toolbar-count">
        {shown < total ? `${formatNumber(shown)} of ${count(total, noun)}` : count(total, noun)}
      </span>
      <Choice
        label="Sort"
        className="sort-choice"
        value={sort}
        options={known}
        onChoose={(value) => navigate(formatPlace(view, { ...query, sort: value }))}
      />
      <Choice
        label="Rows"
        className="limit-choice"
        value={query["limit"] ?? DEFAULT_LIMIT}
        options={LIMITS.map((limit) => [limit, limit] as const)}
        onChoose={(value) => navigate(formatPlace(view, { ...query, limit: value }))}
      />
    </div>
  );
}
