import { expect, it } from "vitest";

import { endpointOf } from "../../src/session/endpoint";

it.each([
  ["http://host:8000/", "/socket.io/", "http://host:8000/api"],
  ["http://host/#/jobs/42", "/socket.io/", "http://host/api"],
  ["https://host/below/a/path/", "/below/a/path/socket.io/", "https://host/below/a/path/api"],
  ["https://host/live/index.html?x#y", "/live/socket.io/", "https://host/live/api"],
])("finds the endpoints of the page %s", (page, path, apiUrl) => {
  expect(endpointOf(page)).toEqual({ path, apiUrl });
});
