import { describe, expect, it, vi } from "vitest";

import { initialJob } from "../src/index.js";
import { fakeClock, output, progress, startClient, startPair } from "./fixtures.js";
import { startServer, until } from "./server.js";

describe("a tracked job", () => {
  it("includes events from before the first subscription (D53)", async () => {
    const { server, client } = await startPair();
    server.publish("job:1", "job:progress", progress("1", 40, "halfway"));
    server.publish("job:1", "job:output", output("1", "hello"));
    const job = client.job("1");
    expect(job.getSnapshot()).toMatchObject({ isKnown: false, progress: null });
    job.subscribe(() => undefined);
    await until(() => job.getSnapshot().isKnown);
    expect(job.getSnapshot()).toMatchObject({
      progress: 40,
      currentStep: "halfway",
      output: [{ text: "hello" }],
    });
  });

  it("includes events of a room that was joined before the first subscription (D53)", async () => {
    const { server, client } = await startPair();
    const received: string[] = [];
    client.on("job:output", (event) => received.push(event.chunk));
    client.joinRoom("job:1");
    server.publish("job:1", "job:output", output("1", "a"));
    server.publish("job:1", "job:output", output("1", "b"));
    await until(() => received.length === 2);
    const job = client.job("1");
    job.subscribe(() => undefined);
    server.publish("job:1", "job:output", output("1", "c"));
    await until(() => job.getSnapshot().output[0]?.text === "abc");
    expect(received).toEqual(["a", "b", "c"]);
    expect(server.of("join_room")).toHaveLength(1);
  });

  it("is shared by all subscribers, and its room is left after the last (D45, B32)", async () => {
    const pass = fakeClock();
    const { server, client } = await startPair();
    const one = vi.fn();
    const other = vi.fn();
    const stopOne = client.job("1").subscribe(one);
    const stopOther = client.job("1").subscribe(other);
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => one.mock.calls.length > 0 && other.mock.calls.length > 0);
    expect(client.job("1").getSnapshot()).toBe(client.job("1").getSnapshot());
    stopOne();
    await pass(1_000);
    await client.call("echo" as never, ...([1] as never));
    expect(server.of("leave_room")).toEqual([]);
    stopOther();
    await until(() => server.of("leave_room").length === 1);
    expect(server.of("join_room")).toHaveLength(1);
    expect(client.job("1").getSnapshot().isKnown).toBe(false);
  });

  it("survives an immediate unsubscribe and subscribe (StrictMode)", async () => {
    const pass = fakeClock();
    const { server, client } = await startPair();
    const job = client.job("1");
    job.subscribe(() => undefined)();
    const stop = job.subscribe(() => undefined);
    server.publish("job:1", "job:progress", progress("1", 7));
    await until(() => job.getSnapshot().progress === 7);
    await pass(1_000);
    await client.call("echo" as never, ...([1] as never));
    expect(job.getSnapshot().progress).toBe(7);
    expect(server.of("join_room")).toHaveLength(1);
    expect(server.of("leave_room")).toEqual([]);
    stop();
  });

  it("notifies few times of a burst (D54)", async () => {
    const { server, client } = await startPair({ client: { notifyInterval: 50 } });
    const job = client.job("1");
    const events = vi.fn();
    job.subscribe(events);
    await until(() => client.room("job:1").getSnapshot().status === "live");
    for (let chunk = 0; chunk < 5_000; chunk++) {
      server.publish("job:1", "job:output", output("1", `${chunk},`));
    }
    const text = (): string =>
      job
        .getSnapshot()
        .output.map((chunk) => chunk.text)
        .join("");
    await until(() => text().endsWith("4999,"));
    expect(text().split(",")).toHaveLength(5_001);
    expect(events.mock.calls.length).toBeLessThanOrEqual(40);
  });

  it("batches the changes of each job separately, and does not call removed listeners (E68)", async () => {
    const { server, client } = await startPair({ client: { notifyInterval: 50 } });
    const [one, other] = [client.job("1"), client.job("2")];
    const [events, otherEvents] = [vi.fn(), vi.fn()];
    const leave = one.subscribe(events);
    other.subscribe(otherEvents);
    for (let percent = 1; percent <= 50; percent++) {
      server.publish("job:1", "job:progress", progress("1", percent));
      server.publish("job:2", "job:progress", progress("2", percent));
    }
    await until(() => one.getSnapshot().progress === 50 && other.getSnapshot().progress === 50);
    leave();
    events.mockClear();
    server.publish("job:1", "job:progress", progress("1", 60));
    server.publish("job:2", "job:progress", progress("2", 60));
    await until(() => other.getSnapshot().progress === 60);
    expect(events).not.toHaveBeenCalled();
    expect(otherEvents.mock.calls.length).toBeLessThan(10);
  });

  it("has frozen snapshots that stay the same until a change (D63)", async () => {
    const { server, client } = await startPair();
    const job = client.job("1");
    job.subscribe(() => undefined);
    server.publish("job:1", "job:progress", progress("1", 1));
    await until(() => job.getSnapshot().isKnown);
    expect(job.getSnapshot()).toBe(job.getSnapshot());
    expect(Object.isFrozen(job.getSnapshot())).toBe(true);
  });

  it("is the same after a lost connection (A5)", async () => {
    const { server, client } = await startPair();
    const job = client.job("1");
    job.subscribe(() => undefined);
    const text = (): string =>
      job
        .getSnapshot()
        .output.map((chunk) => chunk.text)
        .join("");
    for (let chunk = 0; chunk < 200; chunk++) {
      if (chunk % 40 === 20) server.cut();
      server.publish("job:1", "job:output", output("1", `${chunk},`));
      if (chunk % 40 === 39) await until(() => text().endsWith(`${chunk},`));
    }
    await until(() => text().endsWith("199,"));
    expect(text().split(",")).toHaveLength(201);
  });

  it("starts over when the room's log is replaced", async () => {
    const { server, client } = await startPair();
    const job = client.job("1");
    job.subscribe(() => undefined);
    server.publish("job:1", "job:output", output("1", "old"));
    await until(() => job.getSnapshot().output.length === 1);
    server.resetLog("job:1");
    server.publish("job:1", "job:output", output("1", "new"));
    await until(() => job.getSnapshot().output[0]?.text === "new");
    expect(job.getSnapshot().output).toHaveLength(1);
  });

  it("ignores copies of its events in other rooms", async () => {
    const { server, client } = await startPair({ granted: ["user:ada"] });
    const job = client.job("1");
    job.subscribe(() => undefined);
    server.publish("job:1", "job:output", output("1", "once"));
    server.publish("user:ada", "job:output", output("1", "once"));
    server.publish("job:1", "job:output", output("1", "!"));
    await until(() => job.getSnapshot().output.at(-1)?.text.endsWith("!"));
    expect(job.getSnapshot().output).toEqual([{ text: "once!" }]);
  });

  it("works on a stock server", async () => {
    const { server, client } = await startPair({ isStock: true });
    const job = client.job("1");
    job.subscribe(() => undefined);
    server.broadcast("job:progress", progress("1", 30));
    server.broadcast("job:progress", progress("2", 60));
    await until(() => job.getSnapshot().isKnown);
    expect(job.getSnapshot().progress).toBe(30);
  });

  it("reports that its room is denied", async () => {
    const { server, client } = await startPair();
    server.refusals.set("job:1", "forbidden");
    const job = client.job("1");
    job.subscribe(() => undefined);
    await until(() => job.getSnapshot().roomError);
    expect(job.getSnapshot()).toMatchObject({ isKnown: false, roomError: { code: "forbidden" } });
  });

  it("can be cancelled, and rejects if the server does not accept it (D66)", async () => {
    const { server, client } = await startPair();
    expect(await client.job("1").cancel("enough")).toEqual({ ok: true });
    expect(server.of("job:cancel")).toEqual([[{ jobId: "1", reason: "enough" }]]);
    server.refusals.set("job:2", "job_finished");
    await expect(client.job("2").cancel()).rejects.toMatchObject({ code: "job_finished" });
  });

  it("reads its log again on reset (D66)", async () => {
    const { server, client } = await startPair();
    const job = client.job("1");
    job.subscribe(() => undefined);
    server.publish("job:1", "job:output", output("1", "text"));
    await until(() => job.getSnapshot().isKnown);
    job.reset();
    await until(() => server.of("join_room").length === 2);
    await client.call("echo" as never, ...([1] as never));
    await until(() => job.getSnapshot().isKnown);
    expect(job.getSnapshot().output).toEqual([{ text: "text" }]);
  });
});

describe("the list of jobs", () => {
  it("lists the fetched and the created jobs, each live until its end", async () => {
    const server = await startServer({ granted: ["user:ada"] });
    server.jobs = [{ ...initialJob("1"), title: "First", createdAt: 1 }];
    const first = { jobId: "1", title: "First", attempt: 1, timestamp: 1 };
    server.publish("job:1", "job:created", first);
    const client = startClient(server.url);
    const list = client.jobs();
    expect(list.getSnapshot()).toMatchObject({ jobs: [], status: "loading" });
    const stop = list.subscribe(() => undefined);
    await client.connect();
    await until(() => list.getSnapshot().status === "ready");
    expect(server.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ["/api/jobs", "Bearer ada"],
    ]);
    const created = { jobId: "2", title: "Second", attempt: 1, timestamp: 2 };
    server.publish("job:2", "job:created", created);
    server.publish("user:ada", "job:created", created);
    await until(() => list.getSnapshot().jobs.length === 2);
    server.publish("job:2", "job:progress", progress("2", 50));
    server.publish("job:1", "job:status", { jobId: "1", status: "cancelled", timestamp: 3 });
    await until(() => list.getSnapshot().jobs[1]?.isComplete);
    await until(() => list.getSnapshot().jobs[0]?.progress === 50);
    expect(list.getSnapshot().jobs.map((job) => job.title)).toEqual(["Second", "First"]);
    stop();
    await until(() => server.of("leave_room").length === 2);
  });

  it("does not show a running job as queued while its log is replayed", async () => {
    const server = await startServer({ granted: ["user:ada"] });
    const created = { jobId: "1", title: "First", owner: "ada", attempt: 1, timestamp: 1 };
    for (const room of ["job:1", "user:ada"]) server.publish(room, "job:created", created);
    server.publish("job:1", "job:status", { jobId: "1", status: "running", timestamp: 1 });
    for (let done = 2; done <= 40; done++) {
      server.publish("job:1", "job:progress", progress("1", done));
    }
    server.pace = 1;
    const running = { status: "running", isRunning: true, progress: 40, updatedAt: 40 } as const;
    server.jobs = [{ ...initialJob("1"), ...created, ...running, createdAt: 1 }];
    const client = startClient(server.url, { notifyInterval: 1 });
    const list = client.jobs();
    const shown = new Set<string>();
    list.subscribe(() => {
      for (const { status, progress } of list.getSnapshot().jobs)
        shown.add(`${status} ${progress}`);
    });
    await client.connect();
    await until(() => client.job("1").getSnapshot().progress === 40);
    server.publish("job:1", "job:progress", progress("1", 41));
    await until(() => shown.has("running 41"));
    expect([...shown]).toEqual(["running 40", "running 41"]);
  });

  it("starts a new attempt whatever its timestamp", async () => {
    const server = await startServer({ granted: ["user:ada"] });
    server.jobs = [{ ...initialJob("1"), status: "failed", isComplete: true, updatedAt: 9 }];
    const client = startClient(server.url);
    const list = client.jobs();
    list.subscribe(() => undefined);
    await client.connect();
    await until(() => list.getSnapshot().jobs[0]?.status === "failed");
    const created = { jobId: "1", attempt: 2, timestamp: 8 };
    for (const room of ["job:1", "user:ada"]) server.publish(room, "job:created", created);
    await until(() => list.getSnapshot().jobs[0]?.attempt === 2);
    server.publish("job:1", "job:status", { jobId: "1", status: "running", timestamp: 8 });
    await until(() => list.getSnapshot().jobs[0]?.isRunning);
  });

  it("survives a listener that is removed twice", async () => {
    const { server, client } = await startPair({ granted: ["user:ada"] });
    const list = client.jobs();
    list.subscribe(() => undefined);
    const leave = list.subscribe(() => undefined);
    leave();
    leave();
    const created = { jobId: "1", title: "First", attempt: 1, timestamp: 1 };
    server.publish("user:ada", "job:created", created);
    await until(() => list.getSnapshot().jobs.length === 1);
  });

  it("drops jobs that the server no longer lists", async () => {
    const { server, client } = await startPair();
    server.jobs = [initialJob("1"), initialJob("2")];
    const list = client.jobs();
    list.subscribe(() => undefined);
    await until(() => list.getSnapshot().jobs.length === 2);
    await until(() => client.room("job:2").getSnapshot().status === "live");
    client.disconnect();
    server.jobs = [initialJob("1")];
    await client.connect("grace");
    await until(() => list.getSnapshot().jobs.length === 1);
    await until(() => client.room("job:2").getSnapshot().status === null);
  });

  it("is fetched again when the user changes without a reconnect", async () => {
    const { server, client } = await startPair();
    server.jobs = [{ ...initialJob("1"), owner: "ada" }];
    const list = client.jobs();
    list.subscribe(() => undefined);
    await until(() => list.getSnapshot().jobs.length === 1);
    server.jobs = [{ ...initialJob("2"), owner: "grace" }];
    client.setToken("grace");
    await until(() => list.getSnapshot().jobs[0]?.owner === "grace");
    expect(list.getSnapshot().jobs).toHaveLength(1);
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer grace");
  });

  it("ignores the answers to all fetches but the last", async () => {
    const { server, client } = await startPair();
    server.jobs = [{ ...initialJob("1"), owner: "ada" }];
    const held: (() => void)[] = (server.heldAnswers = []);
    const list = client.jobs();
    list.subscribe(() => undefined);
    await until(() => held.length === 1);
    server.heldAnswers = null;
    server.jobs = [{ ...initialJob("2"), owner: "grace" }];
    client.setToken("grace");
    await until(() => list.getSnapshot().jobs.length === 1);
    held[0]?.();
    await client.fetchJobs();
    expect(list.getSnapshot().jobs.map((job) => job.owner)).toEqual(["grace"]);
  });

  it("reports why it could not be fetched", async () => {
    const { client } = await startPair({ client: { apiUrl: "http://127.0.0.1:9/nowhere" } });
    const list = client.jobs();
    list.subscribe(() => undefined);
    await until(() => list.getSnapshot().error);
    expect(list.getSnapshot().status).toBe("loading");
  });
});

it("leaves no room, listener or timer after a thousand subscriptions", async () => {
  const { server, client } = await startPair({ client: { linger: 1 } });
  for (let cycle = 0; cycle < 1_000; cycle++) {
    client.job(`${cycle % 10}`).subscribe(() => undefined)();
  }
  await until(() => server.of("leave_room").length === 10);
  const { size } = server.members.get("job:1") ?? { size: 0 };
  expect(size).toBe(0);
  expect(server.of("join_room")).toHaveLength(10);
});
