import {
  BudgetMeter,
  ConnectionStatus,
  JobOutput,
  JobProgressBar,
  LongwireProvider,
  Toasts,
  useBudget,
  useEvent,
  useJob,
  useJobs,
  useToasts,
} from "longwire/react";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

function Job({ id }: { id: string }) {
  const job = useJob(id);
  return (
    <article>
      <h2>{job.title ?? id}</h2>
      <JobProgressBar job={job} label={job.title ?? id} />
      <p>{job.error ?? job.currentStep ?? job.status}</p>
      {job.isRunning && (
        <button type="button" onClick={() => void job.cancel()}>
          Stop
        </button>
      )}
      <JobOutput job={job} />
    </article>
  );
}

function Jobs() {
  const { jobs, status, error } = useJobs();
  const [chosen, choose] = useState<string | null>(null);
  if (error) return <p role="alert">{error.message}</p>;
  if (status === "loading") return <p>Loading…</p>;
  return (
    <>
      <ul>
        {jobs.map((job) => (
          <li key={job.jobId}>
            <button type="button" onClick={() => choose(job.jobId)}>
              {job.title ?? job.jobId} ({job.status})
            </button>
          </li>
        ))}
      </ul>
      {chosen !== null && <Job id={chosen} />}
    </>
  );
}

function Page() {
  const { budget } = useBudget();
  const toasts = useToasts();
  useEvent("announcement", ({ message, level }) => void toasts.show(message, level));
  return (
    <main>
      <ConnectionStatus />
      <BudgetMeter budget={budget} />
      <Jobs />
      <Toasts queue={toasts} />
    </main>
  );
}

function App() {
  const [token, setToken] = useState<string | null>(null);
  return (
    <LongwireProvider token={token}>
      {token === null ? (
        <form action={(form) => setToken(form.get("token") as string)}>
          <label>
            Token <input name="token" type="password" required />
          </label>
          <button>Sign in</button>
        </form>
      ) : (
        <Page />
      )}
    </LongwireProvider>
  );
}

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
