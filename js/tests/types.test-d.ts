import { describe, expectTypeOf, it } from "vitest";

import {
  type AssetStatusEvent,
  createClient,
  initialJob,
  type JobCompletedEvent,
  type JobProgressEvent,
  type JobSnapshot,
  type JobStatus,
  type Position,
  WebSocketClient,
} from "../src/index.js";
import {
  type ConnectionStatusProps,
  type JobOutputProps,
  type LongwireProviderProps,
  useEvent,
  useJob,
  useJobOutput,
  useJobProgress,
  useOutbox,
  useShared,
} from "../src/react/index.js";
import type { Patch } from "../src/shared.js";

const client = createClient("http://localhost");

describe("events (B36, B37)", () => {
  it("types the arguments of handlers", () => {
    client.on("job:progress", (event) => expectTypeOf(event).toEqualTypeOf<JobProgressEvent>());
    client.on("job:completed", (event) => expectTypeOf(event).toEqualTypeOf<JobCompletedEvent>());
    client.on("disconnect", (reason) => expectTypeOf(reason).toEqualTypeOf<string>());
    client.on("connect_error", (error) => expectTypeOf(error).toEqualTypeOf<Error>());
    // @ts-expect-error no such event
    client.on("job:unheard_of", () => undefined);
  });

  it("allows only the events that clients send", () => {
    client.emit("job:cancel", { jobId: "1" });
    client.emit("join_room", "job:1");
    // @ts-expect-error an event of the server
    client.emit("job:completed", { jobId: "1" });
    // @ts-expect-error a reserved name
    client.emit("connect");
    // @ts-expect-error another payload
    client.emit("job:cancel", { job: "1" });
  });

  it("types what is published, with an optional timestamp", () => {
    const published = client.publish("job:progress", { jobId: "1", progress: 5, currentStep: "" });
    expectTypeOf(published).resolves.toEqualTypeOf<Position>();
    void client.publish(
      "announcement",
      { message: "", level: "info", timestamp: 1 },
      { expect: null },
    );
    // @ts-expect-error an incomplete payload
    void client.publish("job:progress", { jobId: "1" });
    // @ts-expect-error not an event of the contract
    void client.publish("authenticated", { userId: "ada", rooms: [] });
    // @ts-expect-error an incomplete position
    void client.publish("announcement", { message: "", level: "info" }, { expect: { offset: 1 } });
  });

  it("is typed by an application's own contract", () => {
    interface In {
      "chat:message": (data: { text: string }) => void;
    }
    interface Out {
      "chat:say": (data: { text: string }, ack?: (answer: { id: number }) => void) => void;
    }
    const chat = createClient<In, Out>("http://localhost");
    chat.on("chat:message", (data) => expectTypeOf(data).toEqualTypeOf<{ text: string }>());
    chat.on("authenticated", (data) => expectTypeOf(data.userId).toEqualTypeOf<string>());
    expectTypeOf(chat.call("chat:say", { text: "hi" })).resolves.toEqualTypeOf<{ id: number }>();
    void chat.publish("chat:message", { text: "hi" });
    // @ts-expect-error another payload
    void chat.publish("chat:message", { txt: "hi" });
    // @ts-expect-error not in this contract
    chat.on("job:progress", () => undefined);
  });
});

it("accepts the specification's configuration", () => {
  expectTypeOf(
    new WebSocketClient({
      url: "http://localhost:8000",
      timeout: 30_000,
      reconnectionAttempts: 10,
      reconnectionDelay: 1_000,
      reconnectionDelayMax: 60_000,
      reconnection: true,
      autoConnect: false,
    }),
  ).toEqualTypeOf<WebSocketClient>();
});

it("types the other contract", () => {
  createClient(undefined, { contract: "0123456789abcdef" });
  expectTypeOf(client.connection.getSnapshot().otherContract).toEqualTypeOf<string | null>();
  // @ts-expect-error a fingerprint is a string
  createClient(undefined, { contract: 5 });
});

describe("hooks", () => {
  it("types a job and a selection of it", () => {
    expectTypeOf(useJob("1").progress).toEqualTypeOf<number | null>();
    expectTypeOf(useJob(null).cancel).returns.resolves.toBeUnknown();
    expectTypeOf(useJob("1", { select: (job) => job.status })).toEqualTypeOf<JobStatus>();
    useJob("1", { onComplete: (job) => expectTypeOf(job).toEqualTypeOf<JobSnapshot>() });
  });

  it("types initial data and functions", () => {
    useJob("1", { initialData: initialJob("1") });
    useJobProgress("1", { initialData: null });
    expectTypeOf(useJob("1").retry).toEqualTypeOf<() => void>();
    // @ts-expect-error an incomplete job
    useJob("1", { initialData: { jobId: "1" } });
  });

  it("accepts any job with output", () => {
    const job = { ...initialJob("1"), isRunning: true };
    expectTypeOf(useJobOutput(job).text).returns.toBeString();
    expectTypeOf<typeof job>().toExtend<JobOutputProps["job"]>();
  });

  it("types shared values", () => {
    const asset = useShared("asset:status", "global", { assetId: "a" });
    expectTypeOf(asset.value).toEqualTypeOf<AssetStatusEvent | null>();
    void asset.update({ status: "approved", previousStatus: "draft" });
    void asset.update((current) => ({
      previousStatus: current?.status ?? "draft",
      status: "draft",
    }));
    if (asset.value) void asset.update({ ...asset.value, status: "approved" });
    expectTypeOf(asset.conflict?.theirs).toEqualTypeOf<AssetStatusEvent | null | undefined>();
    useShared("budget:updated", "user:ada", {});
    // @ts-expect-error the key is missing
    useShared("asset:status", "global", {});
    // @ts-expect-error entries of this event do not replace each other
    useShared("announcement", "global", {});
    // @ts-expect-error an incomplete value
    void asset.update({ status: "approved" });
    expectTypeOf<Patch<{ a: string; b?: { c?: number[] } }>>().toEqualTypeOf<{
      a: string;
      b?: { c?: number[] | null } | null;
    }>();
  });

  it("types the outbox", () => {
    const { publish, failed } = useOutbox();
    expectTypeOf(publish("announcement", { message: "", level: "info" })).resolves.toBeString();
    expectTypeOf(failed[0]?.failure?.code).toEqualTypeOf<string | undefined>();
    // @ts-expect-error an incomplete payload
    void publish("announcement", { message: "" });
  });

  it("types progress and events", () => {
    expectTypeOf(useJobProgress("1").status).toEqualTypeOf<JobStatus | null>();
    expectTypeOf(useJobProgress("1").output).toEqualTypeOf<readonly string[]>();
    useEvent("job:progress", (event) => expectTypeOf(event).toEqualTypeOf<JobProgressEvent>());
    // @ts-expect-error no such event
    useEvent("nothing", () => undefined);
  });
});

it("accepts undefined for optional props, with exactOptionalPropertyTypes", () => {
  expectTypeOf<{ token: undefined; url: string | undefined }>().toExtend<LongwireProviderProps>();
  expectTypeOf<{ className: undefined }>().toExtend<ConnectionStatusProps>();
  createClient(undefined, { token: undefined, path: undefined });
});
