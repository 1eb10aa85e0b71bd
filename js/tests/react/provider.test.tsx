// @vitest-environment happy-dom
import { act, render, renderHook, screen } from "@testing-library/react";
import { type ReactElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";

import { CONTRACT_FINGERPRINT, type TokenSource } from "../../src/index.js";
import { LongwireProvider, useConnection, useWebSocket } from "../../src/react/index.js";
import { fakeClock, QUICK, startClient } from "../fixtures.js";
import { startServer, until } from "../server.js";
import { withClient } from "./setup.js";

function State(): ReactElement {
  const { state, userId } = useConnection();
  return <p data-testid="state">{`${state} ${userId ?? "none"}`}</p>;
}

function App({ url, token }: { url: string; token?: TokenSource | null }): ReactElement {
  return (
    <StrictMode>
      <LongwireProvider url={url} options={QUICK} {...(token !== undefined && { token })}>
        <State />
      </LongwireProvider>
    </StrictMode>
  );
}

const shown = (): string => screen.getByTestId("state").textContent;

describe("LongwireProvider", () => {
  it("makes one connection in strict mode, and shows no error (D48)", async () => {
    const pass = fakeClock();
    const server = await startServer();
    render(<App url={server.url} token="ada" />);
    await until(() => shown() === "connected ada");
    await act(() => pass(1_000));
    expect(server.connections).toBe(1);
    expect(shown()).toBe("connected ada");
  });

  it("waits for a token, then uses it (D46)", async () => {
    const pass = fakeClock();
    const server = await startServer();
    const { rerender } = render(<App url={server.url} token={null} />);
    await act(() => pass(1_000));
    expect(shown()).toBe("disconnected none");
    rerender(<App url={server.url} token="ada" />);
    await until(() => shown() === "connected ada");
    expect(server.auths).toMatchObject([{ token: "ada", positions: true }]);
  });

  it("renews the token without a reconnect (D47)", async () => {
    const server = await startServer();
    const { rerender } = render(<App url={server.url} token="ada" />);
    await until(() => shown() === "connected ada");
    rerender(<App url={server.url} token="ada:2" />);
    await until(() => server.of("auth").length === 1);
    expect(shown()).toBe("connected ada");
    expect(server.connections).toBe(1);
  });

  it.each([
    ["null", null, "disconnected none"],
    ["no token", undefined, "connected none"],
    ["another user's token", "grace", "connected grace"],
  ])("disconnects the user for %s", async (_, token, then) => {
    const pass = fakeClock();
    const server = await startServer();
    const { rerender } = render(<App url={server.url} token="ada" />);
    await until(() => shown() === "connected ada");
    rerender(<App url={server.url} {...(token !== undefined && { token })} />);
    await until(() => shown() === then);
    await act(() => pass(1_000));
    expect(shown()).toBe(then);
    await until(() => server.sockets.length === (token === null ? 0 : 1));
    rerender(<App url={server.url} token="ada" />);
    await until(() => shown() === "connected ada");
  });

  it("does not sign in again for a token function that changes on each render", async () => {
    const server = await startServer();
    const { rerender } = render(<App url={server.url} token={() => "ada"} />);
    await until(() => shown() === "connected ada");
    rerender(<App url={server.url} token={() => "grace"} />);
    server.cut();
    await until(() => shown() === "connected grace");
    expect(server.of("auth")).toEqual([]);
  });

  it("connects without a token if there is none", async () => {
    const server = await startServer();
    render(<App url={server.url} />);
    await until(() => shown() === "connected none");
    expect(server.auths).toEqual([{ positions: true, contract: CONTRACT_FINGERPRINT }]);
  });

  it("disconnects when unmounted, and reconnects for another url", async () => {
    const [one, other] = [await startServer(), await startServer()];
    const { rerender, unmount } = render(<App url={one.url} token="ada" />);
    await until(() => shown() === "connected ada");
    rerender(<App url={other.url} token="ada" />);
    await until(() => other.sockets.length === 1 && one.sockets.length === 0);
    unmount();
    await until(() => other.sockets.length === 0);
  });

  it("does not disconnect a client that the application connected", async () => {
    const pass = fakeClock();
    const server = await startServer();
    const client = startClient(server.url);
    await client.connect();
    const { unmount } = render(<State />, { wrapper: withClient(client) });
    expect(shown()).toBe("connected ada");
    unmount();
    await pass(1_000);
    expect(client.isConnected()).toBe(true);
  });

  it("renders on a server without a connection and without a warning (D64, D65)", () => {
    const error = vi.spyOn(console, "error");
    const html = renderToString(<App url="http://127.0.0.1:9" token="ada" />);
    expect(html).toBe('<p data-testid="state">disconnected none</p>');
    expect(error).not.toHaveBeenCalled();
  });

  it("throws a clear error without a provider", () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect(() => render(<State />)).toThrow("No <LongwireProvider> above this component.");
  });
});

describe("useWebSocket", () => {
  it("shares one connection that survives an unmounted component (D44)", async () => {
    const pass = fakeClock();
    const server = await startServer();
    const client = startClient(server.url);
    function User(): ReactElement {
      return <i>{useWebSocket().connectionState}</i>;
    }
    const both = (count: number): ReactElement => (
      <>
        {Array.from({ length: count }, (_, index) => (
          <User key={index} />
        ))}
      </>
    );
    const { rerender, container } = render(both(2), { wrapper: withClient(client) });
    await until(() => container.textContent === "connectedconnected");
    rerender(both(1));
    await act(() => pass(1_000));
    expect(container.textContent).toBe("connected");
    expect(server.connections).toBe(1);
  });

  it("shows connecting, and connected in a component that mounts later (D49, D50)", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    const states: string[] = [];
    function User(): ReactElement {
      const { connectionState } = useWebSocket();
      states.push(connectionState);
      return <i>{connectionState}</i>;
    }
    const wrapper = withClient(client);
    const { rerender, container } = render(<User key="1" />, { wrapper });
    await until(() => container.textContent === "connected");
    expect(new Set(states)).toEqual(new Set(["disconnected", "connecting", "connected"]));
    states.length = 0;
    rerender(<User key="2" />);
    expect(new Set(states)).toEqual(new Set(["connected"]));
  });

  it("returns the same functions and the same object until a change (D63)", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    await client.connect();
    const seen = new Set<unknown>();
    function User(): ReactElement {
      seen.add(useWebSocket());
      return <i />;
    }
    const { rerender } = render(<User />, { wrapper: withClient(client) });
    seen.clear();
    rerender(<User />);
    rerender(<User />);
    expect(seen.size).toBe(1);
  });

  it("subscribes, joins, leaves and emits", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    const { result } = renderHook(() => useWebSocket(), { wrapper: withClient(client) });
    await until(() => result.current.isConnected);
    const received: number[] = [];
    const { subscribe, joinRoom, leaveRoom, emit } = result.current;
    act(() => {
      subscribe("job:progress", (event) => received.push(event.progress));
      joinRoom("job:1");
      emit("job:cancel", { jobId: "1" });
      leaveRoom("job:1");
    });
    await until(() => server.of("leave_room").length === 1 && server.of("job:cancel").length === 1);
  });
});
