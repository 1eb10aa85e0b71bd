// Without any DOM, as on a server.
import { type ReactElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { initialJob, type JobState } from "../../src/index.js";
import {
  BudgetMeter,
  ConnectionStatus,
  JobOutput,
  JobProgress,
  JobProgressBar,
  LiveRegion,
  LiveRegionProvider,
  LongwireProvider,
  Toasts,
  useAgent,
  useAnnounce,
  useAssets,
  useBudget,
  useCampaign,
  useConnection,
  useEvent,
  useJob,
  useJobOutput,
  useJobProgress,
  useJobs,
  useRoom,
  useToasts,
  useWebSocket,
} from "../../src/react/index.js";

const KNOWN: JobState = {
  ...initialJob("1"),
  title: "Report",
  progress: 40,
  output: [{ text: "\x1b[1mbegin", type: "writing" }],
};

function Page(): ReactElement {
  const job = useJob("1", { initialData: KNOWN });
  const nothing = [useJob(null), useJobProgress(null), useRoom(null), useCampaign(null)];
  const facts = [
    useBudget(),
    useAssets(),
    useAgent(null),
    useJobOutput(job).lines,
    useJobs().status,
  ];
  useEvent("job:progress", () => undefined);
  useAnnounce();
  return (
    <main title={`${useConnection().state} ${useWebSocket().connectionState} ${nothing.length}`}>
      {JSON.stringify(facts)}
      <ConnectionStatus />
      <JobProgressBar job={job} label="Report" />
      <JobProgress job={job} label="Report" />
      <JobOutput job={job} />
      <BudgetMeter budget={null} />
      <LiveRegion message="spoken later" />
      <Toasts queue={useToasts()} />
    </main>
  );
}

const render = (): string =>
  renderToString(
    <StrictMode>
      <LongwireProvider url="http://127.0.0.1:9" token="ada">
        <LiveRegionProvider>
          <Page />
        </LiveRegionProvider>
      </LongwireProvider>
    </StrictMode>,
  );

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("is rendered without a DOM, a connection, a timer or a warning (D64, D65)", () => {
  const error = vi.spyOn(console, "error");
  const fetched = vi.spyOn(globalThis, "fetch");
  const html = render();
  expect(html).toContain("begin");
  expect(html).toContain('title="disconnected disconnected 4"');
  expect(html).not.toContain("spoken later");
  expect(error).not.toHaveBeenCalled();
  expect(fetched).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

it("is the same for every request (A25)", () => {
  expect(render()).toBe(render());
});
