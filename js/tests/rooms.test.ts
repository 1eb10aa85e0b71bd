import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { JobOutputEvent, JobProgressEvent } from "../src/index.js";
import { output, progress, startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

describe("joining", () => {
  it("joins when connected what was joined before (B29)", async () => {
    const server = await startServer();
    const client = startClient(server.url);
    client.joinRoom("job:1");
    expect(client.room("job:1").getSnapshot().status).toBe("joining");
    await client.connect();
    expect(client.room("job:1").getSnapshot().status).toBe("live");
    expect(server.of("join_room")).toEqual([["job:1"]]);
  });

  it("counts who joined, and leaves with the last (B32)", async () => {
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

  it("does not rejoin what was left while offline (B30)", async () => {
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
    const heard: number[] = [];
    client.on("job:progress", (event) => heard.push(event.progress));
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => heard.length === 1);
    client.disconnect();
    server.publish("job:1", "job:progress", progress("1", 2));
    await client.connect();
    await until(() => heard.length === 2);
    expect(heard).toEqual([1, 2]);
  });

  it("tells a refusal from a success (B33)", async () => {
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

  it("asks for a refused room again when it is told to (B33)", async () => {
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

  it("asks for a refused room again when it signs in anew", async () => {
    const { server, client } = await startPair();
    server.refusals.set("job:2", "forbidden");
    client.joinRoom("job:2");
    await until(() => client.room("job:2").getSnapshot().status === "denied");
    server.refusals.clear();
    client.setToken("grace");
    await until(() => client.room("job:2").getSnapshot().status === "live");
  });

  it("learns that a membership ended", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    server.broadcast("room_error", {
      room: "job:1",
      error: { code: "forbidden", message: "Gone." },
    });
    await until(() => client.room("job:1").getSnapshot().status === "denied");
  });

  it("keeps the rooms of signing in while a slow server has not named them again", async () => {
    const { server, client } = await startPair({ granted: ["user:ada"] });
    const heard: string[] = [];
    client.on("announcement", (event) => heard.push(event.message));
    server.publish("user:ada", "announcement", { message: "one", level: "info", timestamp: 1 });
    await until(() => heard.length === 1);
    server.authenticates = false;
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
    expect(client.connection.getSnapshot().userId).toBe("ada");
    server.broadcast("authenticated", { userId: "ada", rooms: ["user:ada"] });
    server.publish("user:ada", "announcement", { message: "two", level: "info", timestamp: 2 });
    await until(() => heard.includes("two"));
    expect(heard).toEqual(["one", "two"]);
    expect(server.of("leave_room")).toEqual([]);
  });

  it("joins the rooms that come with signing in", async () => {
    const { server, client } = await startPair({ granted: ["user:ada", "global"] });
    const heard: string[] = [];
    client.on("announcement", (event) => heard.push(event.message));
    server.publish("global", "announcement", { message: "hello", level: "info", timestamp: 1 });
    await until(() => heard.length === 1);
    expect(server.of("join_room")).toEqual([["user:ada"], ["global"]]);
  });

  it("skips history from now on, but not after a drop", async () => {
    const { server, client } = await startPair();
    const heard: number[] = [];
    client.on("job:progress", (event) => heard.push(event.progress));
    server.publish("job:1", "job:progress", progress("1", 1));
    client.joinRoom("job:1", { from: "now" });
    await until(() => client.room("job:1").getSnapshot().status === "live");
    server.publish("job:1", "job:progress", progress("1", 2));
    await until(() => heard.length === 1);
    server.cut();
    server.publish("job:1", "job:progress", progress("1", 3));
    await until(() => heard.length === 2);
    expect(heard).toEqual([2, 3]);
  });

  it("is connected in time though a stock server answers no join (A15)", async () => {
    const { server, client } = await startPair();
    client.joinRoom("job:1");
    await until(() => server.of("join_room").length === 1);
    server.answersJoins = false;
    server.cut();
    await until(() => server.connections === 2 && client.isConnected());
  });
});

describe("resuming", () => {
  it("resumes every room after a drop: nothing lost, nothing twice, in order (A3, A5)", async () => {
    const { server, client } = await startPair();
    const heard: string[] = [];
    client.on("job:output", (event) => heard.push(event.chunk));
    client.joinRoom("job:1");
    const sent: string[] = [];
    for (let chunk = 0; chunk < 100; chunk++) {
      if (chunk % 30 === 20) server.cut();
      sent.push(`${chunk} `);
      server.publish("job:1", "job:output", output("1", `${chunk} `));
      if (chunk % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until(() => heard.length === 100);
    expect(heard).toEqual(sent);
    expect(server.of("join_room").at(-1)?.[1]).toMatchObject({ epoch: "epoch-1" });
  });

  it("notices a lost delivery by its position and asks for it", async () => {
    const { server, client } = await startPair();
    const heard: number[] = [];
    client.on("job:progress", (event) => heard.push(event.progress));
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => heard.length === 1);
    server.publishUndelivered("job:1", "job:progress", progress("1", 2));
    server.publish("job:1", "job:progress", progress("1", 3));
    await until(() => heard.length === 3);
    expect(heard).toEqual([1, 2, 3]);
    expect(server.of("join_room").at(-1)).toEqual(["job:1", { epoch: "epoch-1", offset: 1 }]);
  });

  it("takes a frame that stands for several entries, and its repetition for a duplicate", async () => {
    const { server, client } = await startPair();
    const heard: number[] = [];
    client.on("job:progress", (event) => heard.push(event.progress));
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => heard.length === 1);
    for (let lost = 2; lost <= 4; lost++) {
      server.publishUndelivered("job:1", "job:progress", progress("1", lost));
    }
    server.sendRange("job:1", "job:progress", progress("1", 4), 2, 4);
    server.sendRange("job:1", "job:progress", progress("1", 3), 2, 3);
    server.publish("job:1", "job:progress", progress("1", 5));
    await until(() => heard.length === 3);
    expect(heard).toEqual([1, 4, 5]);
    expect(server.of("join_room")).toHaveLength(1);
  });

  it("is fed the log whole when it is another one", async () => {
    const { server, client } = await startPair();
    const heard: number[] = [];
    const resets: string[] = [];
    client.on("job:progress", (event) => heard.push(event.progress));
    client.on("room_reset", ({ room }) => resets.push(room));
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => heard.length === 1);
    server.resetLog("job:1");
    server.publish("job:1", "job:progress", progress("1", 2));
    await until(() => heard.length === 2);
    expect(resets).toEqual(["job:1"]);
    server.cut();
    server.publish("job:1", "job:progress", progress("1", 3));
    await until(() => heard.length === 3);
    expect(heard).toEqual([1, 2, 3]);
  });

  it("does not believe what is left over from a membership that ended", async () => {
    const { server, client } = await startPair();
    const heard: number[] = [];
    client.on("job:progress", (event) => heard.push(event.progress));
    client.joinRoom("job:1");
    await until(() => client.room("job:1").getSnapshot().status === "live");
    client.leaveRoom("job:1");
    client.joinRoom("job:1");
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => heard.length > 0);
    await client.call("echo" as never, ...([1] as never));
    expect(heard).toEqual([1]);
  });
});

describe("events", () => {
  it("hears through handlers that were there before the connection (B27)", async () => {
    const server = await startServer({ isStock: true });
    const client = startClient(server.url);
    const heard: JobProgressEvent[] = [];
    client.on("job:progress", (event) => heard.push(event));
    await client.connect();
    server.broadcast("job:progress", progress("1", 10));
    await until(() => heard.length === 1);
    expect(heard).toEqual([progress("1", 10)]);
  });

  it("keeps its handlers across disconnect and connect (B28)", async () => {
    const { server, client } = await startPair({ isStock: true });
    const heard: number[] = [];
    client.on("job:progress", (event) => heard.push(event.progress));
    client.disconnect();
    await client.connect("grace");
    server.broadcast("job:progress", progress("1", 10));
    await until(() => heard.length === 1);
  });

  it("calls every handler of an event (C38)", async () => {
    const { server, client } = await startPair({ isStock: true });
    const heard: string[] = [];
    client.on("job:progress", () => heard.push("one"));
    client.on("job:progress", () => heard.push("two"));
    server.broadcast("job:progress", progress("1", 10));
    await until(() => heard.length === 2);
  });

  it("delivers equal chunks of one millisecond, with and without positions (C39–C43)", async () => {
    for (const isStock of [true, false]) {
      const { server, client } = await startPair({ isStock });
      const heard: JobOutputEvent[] = [];
      client.on("job:output", (event) => heard.push(event));
      client.joinRoom("job:1");
      if (!isStock) await until(() => client.room("job:1").getSnapshot().status === "live");
      for (let copy = 0; copy < 3; copy++) {
        if (isStock) server.broadcast("job:output", output("1", "ha"));
        else server.publish("job:1", "job:output", output("1", "ha"));
      }
      await until(() => heard.length === 3);
      client.disconnect();
    }
  });

  it("does not let one handler's failure reach another", async () => {
    const { server, client } = await startPair({ isStock: true });
    const reports: (() => void)[] = [];
    vi.stubGlobal("queueMicrotask", (report: () => void) => reports.push(report));
    onTestFinished(() => void vi.unstubAllGlobals());
    const heard: number[] = [];
    client.on("job:progress", () => {
      throw new Error("mine");
    });
    client.on("job:progress", (event) => heard.push(event.progress));
    server.broadcast("job:progress", progress("1", 10));
    await until(() => heard.length === 1);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toThrow("mine");
  });

  it("stops when told to, once", async () => {
    const { server, client } = await startPair({ isStock: true });
    const heard: string[] = [];
    const stop = client.on("job:progress", () => heard.push("stopped"));
    client.on("job:progress", () => heard.push("other"));
    stop();
    stop();
    server.broadcast("job:progress", progress("1", 10));
    await until(() => heard.length > 0);
    expect(heard).toEqual(["other"]);
  });

  it("takes a text that looks like a position for what it is", async () => {
    const { server, client } = await startPair({ isStock: true });
    const heard: unknown[][] = [];
    client.on("note" as never, ((...args: unknown[]) => heard.push(args)) as never);
    server.broadcast("note", "5@home");
    server.broadcast("note", { a: 1 }, "later");
    await until(() => heard.length === 2);
    expect(heard).toEqual([["5@home"], [{ a: 1 }, "later"]]);
  });
});
