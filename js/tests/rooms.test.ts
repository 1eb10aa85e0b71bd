import { describe, expect, it, onTestFinished, vi } from "vitest";

import type {
  JobOutputEvent,
  JobProgressEvent,
  RoomStatus,
  WebSocketClient,
} from "../src/index.js";
import { output, progress, startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

describe("joining", () => {
  it("joins rooms that were joined offline (B29)", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    client.joinRoom("job:1");
    expect(client.room("job:1").getSnapshot().status).toBe("joining");
    await client.connect();
    expect(client.room("job:1").getSnapshot().status).toBe("live");
    expect(server.of("join_room")).toEqual([["job:1"]]);
  });

  it("counts joins, and leaves with the last (B32)", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    client.joinRoom("job:1");
    client.leaveRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    expect(server.of("leave_room")).toEqual([]);
    client.leaveRoom("job:1");
    await until(() => server.of("leave_room").length === 1);
    expect(server.of("join_room")).toHaveLength(1);
    expect(client.room("job:1").getSnapshot().status).toBe(null);
  });

  it("does not rejoin a room that was left offline (B30)", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    client.joinRoom("job:2");
    await until(() => server.of("join_room").length === 2);
    client.disconnect();
    client.leaveRoom("job:1");
    await client.connect();
    expect(
      server
        .of("join_room")
        .slice(2)
        .map(([room]) => room),
    ).toEqual(["job:2"]);
  });

  it("restores its rooms after disconnect and connect (B31)", async () => {
    const { server, client } = await startPair();
    const received: number[] = [];
    client.on("job:progress", (event) => received.push(event.progress));
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => received.length === 1);
    client.disconnect();
    server.publish("job:1", "job:progress", progress("1", 2));
    await client.connect();
    await until(() => received.length === 2);
    expect(received).toEqual([1, 2]);
  });

  it("reports a denied room (B33)", async () => {
    const { server, client } = await startPair();
    const errors: unknown[] = [];
    client.on("room_error", (error) => errors.push(error));
    server.refusals.set("job:2", "forbidden");
    client.joinRoom("job:2");
    await until(() => client.room("job:2").getSnapshot().status === "denied");
    expect(client.room("job:2").getSnapshot().error).toMatchObject({ code: "forbidden" });
    expect(errors).toMatchObject([
      { room: "job:2", error: { code: "forbidden", message: "No: job:2." } },
    ]);
  });

  it("joins a denied room again on retry (B33)", async () => {
    const { server, client } = await startPair();
    server.refusals.set("job:2", "forbidden");
    client.joinRoom("job:1");
    client.joinRoom("job:2");
    await until(() => client.room("job:2").getSnapshot().status === "denied");
    server.refusals.clear();
    client.retry();
    await until(() => client.room("job:2").getSnapshot().status === "live");
    expect(client.room("job:2").getSnapshot().error).toBeNull();
    expect(server.of("join_room")).toEqual([["job:1"], ["job:2"], ["job:2"]]);
  });

  it("joins a denied room again with another token", async () => {
    const { server, client } = await startPair();
    server.refusals.set("job:2", "forbidden");
    client.joinRoom("job:2");
    await until(() => client.room("job:2").getSnapshot().status === "denied");
    server.refusals.clear();
    client.setToken("grace");
    await until(() => client.room("job:2").getSnapshot().status === "live");
  });

  it("reports the end of a membership", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    server.broadcast("room_error", {
      room: "job:1",
      error: { code: "forbidden", message: "Gone." },
    });
    await until(() => client.room("job:1").getSnapshot().status === "denied");
  });

  it("keeps granted rooms while a slow server has not granted them again", async () => {
    const { server, client } = await startPair({ granted: ["user:ada"] });
    const received: string[] = [];
    client.on("announcement", (event) => received.push(event.message));
    server.publish("user:ada", "announcement", { message: "one", level: "info", timestamp: 1 });
    await until(() => received.length === 1);
    server.authenticates = false;
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    expect(client.connection.getSnapshot().userId).toBe("ada");
    server.broadcast("authenticated", { userId: "ada", rooms: ["user:ada"] });
    server.publish("user:ada", "announcement", { message: "two", level: "info", timestamp: 2 });
    await until(() => received.includes("two"));
    expect(received).toEqual(["one", "two"]);
    expect(server.of("leave_room")).toEqual([]);
  });

  it("joins the rooms that the server grants", async () => {
    const { server, client } = await startPair({ granted: ["user:ada", "global"] });
    const received: string[] = [];
    client.on("announcement", (event) => received.push(event.message));
    server.publish("global", "announcement", { message: "hello", level: "info", timestamp: 1 });
    await until(() => received.length === 1);
    expect(server.of("join_room")).toEqual([["user:ada"], ["global"]]);
  });

  it("skips the history of a room joined from now, but not after a lost connection", async () => {
    const { server, client } = await startPair();
    const received: number[] = [];
    client.on("job:progress", (event) => received.push(event.progress));
    server.publish("job:1", "job:progress", progress("1", 1));
    client.joinRoom("job:1", { from: "now" });
    await until(() => client.room("job:1").getSnapshot().status === "live");
    server.publish("job:1", "job:progress", progress("1", 2));
    await until(() => received.length === 1);
    server.cut();
    server.publish("job:1", "job:progress", progress("1", 3));
    await until(() => received.length === 2);
    expect(received).toEqual([2, 3]);
  });

  it("connects in time to a stock server that does not answer joins (A15)", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => server.of("join_room").length === 1);
    server.answersJoins = false;
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
  });
});

describe("the status of a room", () => {
  function statusesOf(client: WebSocketClient, room: string): (RoomStatus | null)[] {
    const { getSnapshot, subscribe } = client.room(room);
    const statuses = [getSnapshot().status];
    onTestFinished(subscribe(() => statuses.push(getSnapshot().status)));
    return statuses;
  }

  it("is catching_up until the replay reaches the end of the log", async () => {
    const { server, client } = await startPair();
    server.publish("job:1", "job:progress", progress("1", 1));
    server.publish("job:1", "job:progress", progress("1", 2));
    const statuses = statusesOf(client, "job:1");
    const received: string[] = [];
    client.on("job:progress", () => received.push(client.room("job:1").getSnapshot().status ?? ""));
    client.joinRoom("job:1");
    await until(() => statuses.at(-1) === "live");
    expect(statuses).toEqual([null, "joining", "catching_up", "live"]);
    expect(received).toEqual(["catching_up", "live"]);
  });

  it("is live after an empty replay", async () => {
    const { server, client } = await startPair();
    server.publish("job:1", "job:progress", progress("1", 1));
    server.hasLostHistory = true;
    const statuses = statusesOf(client, "job:1");
    client.joinRoom("job:1");
    await until(() => statuses.at(-1) === "live");
    expect(statuses).toEqual([null, "joining", "catching_up", "live"]);
  });

  it("is lost without a connection, and live again after resuming", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    const statuses = statusesOf(client, "job:1");
    server.cut();
    await until(() => statuses.length === 3);
    expect(statuses).toEqual(["live", "lost", "live"]);
  });

  it("is joining, not denied, while the server cannot read the log", async () => {
    const { server, client } = await startPair();
    server.refusals.set("job:1", "broker_unavailable");
    const statuses = statusesOf(client, "job:1");
    client.joinRoom("job:1");
    await until(() => server.of("join_room").length >= 3);
    server.refusals.clear();
    await until(() => statuses.at(-1) === "live");
    expect(statuses).toEqual([null, "joining", "live"]);
  });

  it("is catching_up while the server cannot read the log of a joined room", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    const statuses = statusesOf(client, "job:1");
    const error = { code: "broker_unavailable", message: "Later." };
    server.broadcast("room_error", { ok: false, room: "job:1", error });
    await until(() => statuses.length === 3);
    expect(statuses).toEqual(["live", "catching_up", "live"]);
  });
});

describe("resuming", () => {
  it("resumes every room after a lost connection, without loss, duplicates or reordering (A3, A5)", async () => {
    const { server, client } = await startPair();
    const received: string[] = [];
    client.on("job:output", (event) => received.push(event.chunk));
    client.joinRoom("job:1");
    const sent: string[] = [];
    for (let chunk = 0; chunk < 100; chunk++) {
      if (chunk % 30 === 20) server.cut();
      sent.push(`${chunk} `);
      server.publish("job:1", "job:output", output("1", `${chunk} `));
      if (chunk % 30 === 29) await until(() => received.length === chunk + 1);
    }
    await until(() => received.length === 100);
    expect(received).toEqual(sent);
    expect(server.of("join_room").at(-1)?.[1]).toMatchObject({ epoch: "epoch-1" });
  });

  it("detects a lost delivery by its position and requests it", async () => {
    const { server, client } = await startPair();
    const received: number[] = [];
    client.on("job:progress", (event) => received.push(event.progress));
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => received.length === 1);
    server.publishUndelivered("job:1", "job:progress", progress("1", 2));
    server.publish("job:1", "job:progress", progress("1", 3));
    await until(() => received.length === 3);
    expect(received).toEqual([1, 2, 3]);
    expect(server.of("join_room").at(-1)).toEqual(["job:1", { epoch: "epoch-1", offset: 1 }]);
  });

  it("accepts a frame for several entries, and ignores its repetition", async () => {
    const { server, client } = await startPair();
    const received: number[] = [];
    client.on("job:progress", (event) => received.push(event.progress));
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => received.length === 1);
    for (let lost = 2; lost <= 4; lost++) {
      server.publishUndelivered("job:1", "job:progress", progress("1", lost));
    }
    server.sendRange("job:1", "job:progress", progress("1", 4), 2, 4);
    server.sendRange("job:1", "job:progress", progress("1", 3), 2, 3);
    server.publish("job:1", "job:progress", progress("1", 5));
    await until(() => received.length === 3);
    expect(received).toEqual([1, 4, 5]);
    expect(server.of("join_room")).toHaveLength(1);
  });

  it("receives the whole log when it is another one", async () => {
    const { server, client } = await startPair();
    const received: number[] = [];
    const resets: string[] = [];
    client.on("job:progress", (event) => received.push(event.progress));
    client.on("room_reset", ({ room }) => resets.push(room));
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => received.length === 1);
    server.resetLog("job:1");
    server.publish("job:1", "job:progress", progress("1", 2));
    await until(() => received.length === 2);
    expect(resets).toEqual(["job:1"]);
    server.cut();
    server.publish("job:1", "job:progress", progress("1", 3));
    await until(() => received.length === 3);
    expect(received).toEqual([1, 2, 3]);
  });

  it("ignores events of an earlier membership", async () => {
    const { server, client } = await startPair();
    const received: number[] = [];
    client.on("job:progress", (event) => received.push(event.progress));
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    client.leaveRoom("job:1");
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => received.length > 0);
    await client.call("echo" as never, ...([1] as never));
    expect(received).toEqual([1]);
  });
});

describe("events", () => {
  it("calls handlers that were added before the connection (B27)", async () => {
    const server = await startServer({ isStock: true });
    const client = startClient(server.url);
    const received: JobProgressEvent[] = [];
    client.on("job:progress", (event) => received.push(event));
    await client.connect();
    server.broadcast("job:progress", progress("1", 10));
    await until(() => received.length === 1);
    expect(received).toEqual([progress("1", 10)]);
  });

  it("keeps its handlers across disconnect and connect (B28)", async () => {
    const { server, client } = await startPair({ isStock: true });
    const received: number[] = [];
    client.on("job:progress", (event) => received.push(event.progress));
    client.disconnect();
    await client.connect("grace");
    server.broadcast("job:progress", progress("1", 10));
    await until(() => received.length === 1);
  });

  it("calls every handler of an event (C38)", async () => {
    const { server, client } = await startPair({ isStock: true });
    const received: string[] = [];
    client.on("job:progress", () => received.push("one"));
    client.on("job:progress", () => received.push("two"));
    server.broadcast("job:progress", progress("1", 10));
    await until(() => received.length === 2);
  });

  it("delivers equal chunks of one millisecond, with and without positions (C39–C43)", async () => {
    for (const isStock of [true, false]) {
      const { server, client } = await startPair({ isStock });
      const received: JobOutputEvent[] = [];
      client.on("job:output", (event) => received.push(event));
      client.joinRoom("job:1");
      if (!isStock) await until(() => client.room("job:1").getSnapshot().status === "live");
      for (let copy = 0; copy < 3; copy++) {
        if (isStock) server.broadcast("job:output", output("1", "ha"));
        else server.publish("job:1", "job:output", output("1", "ha"));
      }
      await until(() => received.length === 3);
      client.disconnect();
    }
  });

  it("calls the other handlers when one throws", async () => {
    const { server, client } = await startPair({ isStock: true });
    const reports: (() => void)[] = [];
    vi.stubGlobal("queueMicrotask", (report: () => void) => reports.push(report));
    onTestFinished(() => void vi.unstubAllGlobals());
    const received: number[] = [];
    client.on("job:progress", () => {
      throw new Error("mine");
    });
    client.on("job:progress", (event) => received.push(event.progress));
    server.broadcast("job:progress", progress("1", 10));
    await until(() => received.length === 1);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toThrow("mine");
  });

  it("stops calling a removed handler", async () => {
    const { server, client } = await startPair({ isStock: true });
    const received: string[] = [];
    const stop = client.on("job:progress", () => received.push("stopped"));
    client.on("job:progress", () => received.push("other"));
    stop();
    stop();
    server.broadcast("job:progress", progress("1", 10));
    await until(() => received.length > 0);
    expect(received).toEqual(["other"]);
  });

  it("hands out texts that resemble positions", async () => {
    const { server, client } = await startPair({ isStock: true });
    const received: unknown[][] = [];
    client.on("note" as never, ((...args: unknown[]) => received.push(args)) as never);
    server.broadcast("note", "5@home");
    server.broadcast("note", { a: 1 }, "later");
    await until(() => received.length === 2);
    expect(received).toEqual([["5@home"], [{ a: 1 }, "later"]]);
  });
});
