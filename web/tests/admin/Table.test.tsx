// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { type Column, nextSort, Table } from "../../src/admin/table/Table";

afterEach(cleanup);

interface Row {
  readonly name: string;
  readonly lag: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { key: "name", name: "Name", cell: ({ name }) => name },
  { key: "lag", name: "Behind", isNumeric: true, cell: ({ lag }) => lag },
];

it("sorts numbers from the largest, texts from the first, and the other way next", () => {
  expect(nextSort("-lag", "name", false)).toBe("name");
  expect(nextSort("name", "name", false)).toBe("-name");
  expect(nextSort("name", "lag", true)).toBe("-lag");
  expect(nextSort("-lag", "lag", true)).toBe("lag");
});

it("names the order for screen readers, and keeps the search when another is chosen", () => {
  window.history.replaceState(null, "", "/connections?q=ada&sort=-lag");
  render(
    <Table
      caption="Connections"
      columns={COLUMNS}
      rows={[{ name: "ada", lag: 3 }]}
      keyOf={({ name }) => name}
      sorting={{ view: "connections", query: { q: "ada", sort: "-lag" }, sort: "-lag" }}
    />,
  );
  const behind = screen.getByRole("columnheader", { name: "Behind" });
  expect(behind.getAttribute("aria-sort")).toBe("descending");
  fireEvent.click(screen.getByRole("link", { name: "Name" }));
  expect(window.location.search).toBe("?q=ada&sort=name");
});
