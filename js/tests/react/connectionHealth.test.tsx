// @vitest-environment happy-dom
import { render, screen } from "@testing-library/react";
import { it, onTestFinished } from "vitest";

import { watchHealth } from "../../src/health.js";
import { LongwireProvider, useConnectionHealth } from "../../src/react/index.js";
import { startPair } from "../fixtures.js";
import { until } from "../server.js";

function Signal(): React.ReactNode {
  const { quality, reconnects, transport } = useConnectionHealth();
  return <p>{`${quality} ${reconnects} ${transport}`}</p>;
}

it("shows the quality of the connection, and a reconnect", async () => {
  const { server, client } = await startPair();
  onTestFinished(() => watchHealth(client).stop());
  render(
    <LongwireProvider client={client}>
      <Signal />
    </LongwireProvider>,
  );
  await until(() => /^(excellent|good|fair|poor) 0 websocket$/.test(text()));
  server.cut();
  await until(() => text() === "poor 1 websocket");
});

function text(): string {
  return screen.getByText(/ /).textContent;
}
