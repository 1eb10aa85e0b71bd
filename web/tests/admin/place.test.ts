import { expect, it } from "vitest";

import { formatPlace, parsePlace, VIEWS } from "../../src/admin/routing/place";

const BASES = ["/", "/_longwire/", "/below/a/path/"];

it.each(BASES)("parses each view below %s, and returns to its address", (base) => {
  for (const view of VIEWS) {
    const query = { name: "job:parent/child & more", sort: "-lag" };
    const url = new URL(formatPlace(view, query), `https://example.test${base}anything?q=1`);
    expect(url.pathname.startsWith(base)).toBe(true);
    expect(parsePlace(url)).toEqual({ view, query });
  }
});

it("leaves out parameters without a value", () => {
  expect(formatPlace("rooms", { prefix: "", sort: "name" })).toBe("rooms?sort=name");
  expect(parsePlace({ pathname: "/x/rooms", search: "?prefix=&limit=50" }).query).toEqual({
    limit: "50",
  });
});

it("knows no view at any other address", () => {
  expect(parsePlace({ pathname: "/_longwire/elsewhere", search: "" }).view).toBeNull();
});
