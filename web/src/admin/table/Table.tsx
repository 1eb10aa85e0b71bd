import type { ReactElement, ReactNode } from "react";

import { Link } from "../routing/Link";
import type { Query, View } from "../routing/place";

export interface Column<Row> {
  /** The member of the row; what the API sorts by, if the column can be sorted. */
  readonly key: string;
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** The whole text of a cell that may be cut off. */
  readonly title?: (row: Row) => string;
  readonly isNumeric?: boolean;
  /** Takes the room that the other columns leave. */
  readonly isWide?: boolean;
  readonly isFixed?: boolean;
}

/** How a table is sorted, and where its headings lead. */
export interface Sorting {
  readonly view: View;
  readonly query: Query;
  /** The member in force, with a `-` before it for the largest first. */
  readonly sort: string;
}

interface TableProps<Row> {
  /** The name of the table, for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly sorting?: Sorting;
  readonly stateOf?: (row: Row) => string | undefined;
}

/** Returns what to sort by after a heading was chosen: numbers begin with the largest. */
export function nextSort(sort: string, key: string, isNumeric: boolean): string {
  if (sort === key) return `-${key}`;
  if (sort === `-${key}`) return key;
  return isNumeric ? `-${key}` : key;
}

const MARKS = { ascending: "↑", descending: "↓" } as const;

function order(sort: string | undefined, key: string): "ascending" | "descending" | undefined {
  if (sort === key) return "ascending";
  return sort === `-${key}` ? "descending" : undefined;
}

function Heading<Row>({
  column,
  sorting,
}: {
  readonly column: Column<Row>;
  readonly sorting: Sorting | undefined;
}): ReactElement {
  const { key, name, isNumeric = false, isWide = false, isFixed = false } = column;
  const direction = order(sorting?.sort, key);
  return (
    <th
      role="columnheader"
      scope="col"
      aria-sort={direction}
      data-numeric={isNumeric}
      data-wide={isWide}
    >
      {sorting === undefined || isFixed ? (
        name
      ) : (
        <Link
          view={sorting.view}
          query={{ ...sorting.query, sort: nextSort(sorting.sort, key, isNumeric) }}
        >
          {!isNumeric && name}
          <span className="sort-mark" aria-hidden="true">
            {direction !== undefined && MARKS[direction]}
          </span>
          {isNumeric && name}
        </Link>
      )}
    </th>
  );
}

/**
 * A table of rows that the API has sorted and cut. On a narrow window each row is a card; the roles
 * keep its structure for screen readers then.
 */
export function Table<Row>(props: TableProps<Row>): ReactElement {
  const { caption, columns, rows, keyOf, sorting, stateOf } = props;
  return (
    <table className="admin-table" role="table" aria-label={caption}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <Heading key={column.key} column={column} sorting={sorting} />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row" data-state={stateOf?.(row)}>
            {columns.map(({ key, name, cell, title, isNumeric = false, isWide = false }) => (
              <td
                key={key}
                role="cell"
                data-name={name}
                data-numeric={isNumeric}
                data-wide={isWide}
                title={title?.(row)}
              >
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
