// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { SignIn } from "../../src/session/SignIn";

afterEach(cleanup);

function show(problem: string | null = null): { given: string[]; field: HTMLInputElement } {
  const given: string[] = [];
  render(<SignIn problem={problem} onToken={(token) => given.push(token)} />);
  return { given, field: screen.getByLabelText("Access token") };
}

function submit(): void {
  fireEvent.click(screen.getByRole("button", { name: "Sign in" }));
}

it("trims the token", () => {
  const { given, field } = show();
  expect(document.activeElement).toBe(field);
  fireEvent.change(field, { target: { value: "  abc.def\n" } });
  submit();
  expect(given).toEqual(["abc.def"]);
});

it("asks for a token when there is none", () => {
  const { given, field } = show();
  submit();
  expect(given).toEqual([]);
  expect(screen.getByRole("alert").textContent).toBe("Paste a token first.");
  expect(field.getAttribute("aria-invalid")).toBe("true");
});

it("shows why the last token was rejected", () => {
  const { field } = show("This token has expired.");
  const described = (field.getAttribute("aria-describedby") ?? "").trim().split(" ");
  const texts = described.map((id) => document.getElementById(id)?.textContent);
  expect(texts[0]).toBe("This token has expired.");
  expect(texts[1]).toContain("longwire token --user");
});

it("hides the token from view and from password managers", () => {
  const { field } = show();
  expect(field.type).toBe("password");
  expect(field.autocomplete).toBe("off");
});
