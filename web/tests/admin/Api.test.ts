// @vitest-environment happy-dom
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, expect, it } from "vitest";

import { Api } from "../../src/admin/api/Api";
import { TokenStore } from "../../src/session/token";

let server: Server | undefined;
afterEach(() => server?.close());

async function serve(listener: RequestListener): Promise<Api> {
  server = createServer((request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "*");
    if (request.method === "OPTIONS") response.end();
    else listener(request, response);
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo;
  const tokens = new TokenStore(null);
  tokens.write("secret");
  return new Api(`http://127.0.0.1:${port}/_longwire/connections?q=1`, tokens);
}

it("asks below the mount path, with the token", async () => {
  const api = await serve((request, response) => {
    response.end(JSON.stringify([request.url, request.headers.authorization]));
  });
  expect(api.state()).toBe("connecting");
  expect(await api.get("rooms/job%3A1?limit=50")).toEqual([
    "/_longwire/api/rooms/job%3A1?limit=50",
    "Bearer secret",
  ]);
  expect(api.state()).toBe("live");
});

it.each([
  [401, "signed_out", "refused"],
  [403, "forbidden", "refused"],
  [404, "missing", "live"],
  [400, "refused", "live"],
  [500, "broken", "live"],
])("explains status %d as %s", async (status, trouble, state) => {
  const api = await serve((_request, response) => {
    response.statusCode = status;
    response.end(JSON.stringify({ detail: "the reason", code: "the_code" }));
  });
  await expect(api.get("nodes")).rejects.toMatchObject({
    trouble,
    message: "the reason",
    code: "the_code",
  });
  expect(api.state()).toBe(state);
});

it("explains an answer that is not of Longwire by its status", async () => {
  const api = await serve((_request, response) => {
    response.statusCode = 502;
    response.end("<html>");
  });
  await expect(api.get("nodes")).rejects.toMatchObject({ trouble: "broken", message: "HTTP 502" });
});

it("reports a server that cannot be reached", async () => {
  const api = await serve((request) => request.socket.destroy());
  await expect(api.get("nodes")).rejects.toMatchObject({ trouble: "unreachable" });
  expect(api.state()).toBe("lost");
});
