// @vitest-environment happy-dom

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { cleanup, render, screen } from "@testing-library/react";
import { type ClientOptions, createClient } from "longwire";
import { LiveRegionProvider, LongwireProvider } from "longwire/react";
import { TestServer } from "longwire/testing";
import type { ReactElement } from "react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { Announcements } from "../../src/overview/Announcements";
import { OverviewAside } from "../../src/overview/OverviewAside";
import { TokensContext } from "../../src/session/TokensContext";
import { TokenStore } from "../../src/session/token";

const METRICS = { impressions: 9_000, clicks: 300, conversions: 12, cost: 40, roi: 2.4 };

let server: TestServer;

beforeEach(() => {
  server = new TestServer();
});

afterEach(cleanup);

/** Starts an HTTP interface that lists rooms and records the requests. */
async function listing(
  rooms: string[],
): Promise<{ http: Server; apiUrl: string; asked: string[] }> {
  const asked: string[] = [];
  const http = createServer((request, response) => {
    asked.push(`${request.headers.authorization ?? ""} ${request.url ?? ""}`);
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "*");
    response.end(JSON.stringify({ rooms }));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return { http, apiUrl: `http://127.0.0.1:${port}/api`, asked };
}

function show(content: ReactElement, options: ClientOptions = {}): void {
  const client = createClient("http://test", { ...server.options, notifyInterval: 1, ...options });
  const tokens = new TokenStore(null);
  tokens.write("a-token");
  render(
    <TokensContext value={tokens}>
      <LiveRegionProvider>
        <LongwireProvider client={client}>{content}</LongwireProvider>
      </LiveRegionProvider>
    </TokensContext>,
  );
}

describe("the overview", () => {
  it("shows each agent's status and job", async () => {
    const agent = {
      agentType: "seo_writer",
      status: "busy",
      currentJob: "j 1",
      queueDepth: 2,
    } as const;
    server.publish("agent:seo_writer", "agent:status", agent);
    show(<OverviewAside />);
    expect(await screen.findByText("SEO writer")).toBeTruthy();
    expect(screen.getByText("j 1").getAttribute("href")).toBe("#/jobs/j%201");
    expect(screen.getByText("2 jobs waiting")).toBeTruthy();
    expect(screen.queryByText("CMO")).toBeNull();
  });

  it("shows the campaigns that the server lists for the user", async () => {
    const { http, apiUrl, asked } = await listing(["campaign:spring"]);
    server.publish("campaign:spring", "campaign:metrics", {
      campaignId: "spring",
      metrics: METRICS,
    });
    show(<OverviewAside />, { apiUrl });
    expect(await screen.findByText("spring")).toBeTruthy();
    expect(screen.getByText("+240%")).toBeTruthy();
    expect(screen.getByText("9,000 seen")).toBeTruthy();
    expect(asked).toContain("Bearer a-token /api/rooms?prefix=campaign%3A");
    http.close();
  });

  it("removes a warning when spending falls below its threshold", async () => {
    const warning = { threshold: 80, message: "Over 80 % spent", currentUsage: 84 } as const;
    server.publish("global", "budget:warning", warning);
    show(<OverviewAside />);
    expect(await screen.findByText("Over 80 % spent")).toBeTruthy();
    server.publish("global", "budget:updated", {
      used: 1,
      total: 10,
      percentage: 10,
      breakdown: {},
    });
    expect(await screen.findByText("10%")).toBeTruthy();
    expect(screen.queryByText("Over 80 % spent")).toBeNull();
  });
});

describe("announcements", () => {
  it("are shown newest first, each once, until they are dismissed", async () => {
    for (const timestamp of [1, 2, 2, 3, 4]) {
      server.publish("global", "announcement", {
        message: `number ${timestamp}`,
        level: "info",
        timestamp,
      });
    }
    show(<Announcements />);
    expect(await screen.findByText("number 4")).toBeTruthy();
    const shown = screen.getAllByText(/^number/).map((element) => element.textContent);
    expect(shown).toEqual(["number 4", "number 3", "number 2"]);
    screen.getByRole("button", { name: "Dismiss" }).click();
    await expect.poll(() => screen.queryByText("number 4")).toBeNull();
    server.publish("global", "announcement", { message: "later", level: "error" });
    expect(await screen.findByText("later")).toBeTruthy();
    expect(screen.queryByText("number 4")).toBeNull();
    sessionStorage.clear();
  });
});
