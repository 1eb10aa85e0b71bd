// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { createClient } from "longwire";
import { LongwireProvider, Toasts, useJob, useToasts } from "longwire/react";
import { TestServer } from "longwire/testing";
import type { ReactElement } from "react";
import { afterEach, expect, it } from "vitest";

import { CancelButton } from "../../src/jobs/CancelButton";
import { ToastsContext } from "../../src/shell/ToastsContext";

afterEach(cleanup);

function App(): ReactElement {
  const toasts = useToasts();
  return (
    <ToastsContext value={toasts}>
      <CancelButton job={useJob("1")} />
      <Toasts queue={toasts} />
    </ToastsContext>
  );
}

async function cancel(server: TestServer): Promise<void> {
  const client = createClient("http://test", server.options);
  render(
    <LongwireProvider client={client}>
      <App />
    </LongwireProvider>,
  );
  await client.connect();
  fireEvent.click(screen.getByRole("button", { name: "Cancel job" }));
  fireEvent.click(screen.getByRole("button", { name: "Stop it" }));
}

it("reports that the job was asked to stop", async () => {
  const server = new TestServer();
  await cancel(server);
  await screen.findByText("The job was asked to stop.");
  expect(server.sent.at(-1)?.[0]).toBe("job:cancel");
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Cancel job" }));
});

it("reports why the job was not stopped", async () => {
  const server = new TestServer();
  const error = { code: "forbidden", message: "It is not yours." };
  server.answers.set("job:cancel", () => ({ ok: false, error }));
  await cancel(server);
  await screen.findByText("The job was not stopped. It is not yours.");
});
