import type { JobArtifact, JobResult, JobState } from "longwire";
import type { ReactElement } from "react";

import { formatLabel, formatMetric } from "../format/number";
import { safeHref } from "../output/safeHref";
import { CopyButton } from "../shell/CopyButton";
import { headlineOf } from "./status";

/** Why a job failed, and whether another attempt may help. */
export function JobFailure({ job }: { readonly job: JobState }): ReactElement {
  const error = job.error?.trim() || "The job failed without an error message.";
  const headline = headlineOf(error);
  return (
    <section className="failure" aria-label="Error">
      <p className="failure-text">{headline}</p>
      {headline !== error && (
        <pre className="failure-trace" role="region" aria-label="Full error" tabIndex={0}>
          {error}
        </pre>
      )}
      <p className="failure-detail">
        {job.errorCode !== null && <code>{job.errorCode}</code>}
        {job.retryable !== null && (
          <span>
            {job.retryable ? "Running it again may help." : "Running it again will not help."}
          </span>
        )}
      </p>
    </section>
  );
}

function Metrics({ metrics }: { readonly metrics: Record<string, unknown> }): ReactElement {
  return (
    <table className="metrics">
      <caption>Metrics</caption>
      <tbody>
        {Object.entries(metrics).map(([key, value]) => (
          <tr key={key}>
            <th scope="row">{formatLabel(key)}</th>
            <td>{formatMetric(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Artifact({ artifact }: { readonly artifact: JobArtifact }): ReactElement {
  const href = safeHref(artifact.url);
  return (
    <li>
      {href === null ? (
        <span>{artifact.name}</span>
      ) : (
        <a href={href} target="_blank" rel="noreferrer">
          {artifact.name}
        </a>
      )}
      <span className="artifact-type">{artifact.type}</span>
    </li>
  );
}

function Artifacts({ artifacts }: { readonly artifacts: readonly JobArtifact[] }): ReactElement {
  return (
    <section className="artifacts">
      <h2>Artifacts</h2>
      <ul>
        {artifacts.map((artifact, index) => (
          <Artifact key={index} artifact={artifact} />
        ))}
      </ul>
    </section>
  );
}

/** The text of a result. */
export function ResultText({ content }: { readonly content: string }): ReactElement {
  return (
    <section className="result" aria-labelledby="result-heading">
      <header className="output-bar">
        <h2 id="result-heading">Result</h2>
        <div className="output-tools">
          <CopyButton text={() => content} label="Copy the result">
            Copy
          </CopyButton>
        </div>
      </header>
      <div className="result-text">{content}</div>
    </section>
  );
}

/** The metrics and artifacts of a result. */
export function ResultDetails({ result }: { readonly result: JobResult }): ReactElement {
  const metrics = result.metrics ?? {};
  const artifacts = result.artifacts ?? [];
  return (
    <>
      {Object.keys(metrics).length > 0 && <Metrics metrics={metrics} />}
      {artifacts.length > 0 && <Artifacts artifacts={artifacts} />}
    </>
  );
}
