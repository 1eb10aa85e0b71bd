import type { AgentType } from "longwire";
import { useAgent } from "longwire/react";
import { type ReactElement, useId } from "react";

import { count, formatLabel } from "../format/number";
import { useJobName } from "../jobs/useJobName";
import { formatRoute } from "../routing/route";
import { agentName } from "./agentName";

const AGENTS: readonly AgentType[] = [
  "analytics_specialist",
  "cmo",
  "email_marketer",
  "seo_writer",
  "social_media_manager",
];

function JobLink({ jobId }: { readonly jobId: string }): ReactElement {
  return <a href={formatRoute({ page: "job", jobId })}>{useJobName(jobId)}</a>;
}

function Agent({ agentType }: { readonly agentType: AgentType }): ReactElement | null {
  const agent = useAgent(agentType);
  if (agent === null) return null;
  const queue = agent.queueDepth ?? 0;
  return (
    <li className="agent" data-status={agent.status}>
      <span className="agent-name">{agentName(agentType)}</span>
      <span className="agent-status">{formatLabel(agent.status)}</span>
      {(agent.currentJob !== undefined || queue > 0) && (
        <span className="agent-work">
          {agent.currentJob !== undefined && <JobLink jobId={agent.currentJob} />}
          {queue > 0 && <span>{count(queue, "job")} waiting</span>}
        </span>
      )}
    </li>
  );
}

/** The agents, with their status, current job and queue. */
export function Agents(): ReactElement {
  const heading = useId();
  return (
    <section className="panel" aria-labelledby={heading}>
      <h2 id={heading}>Agents</h2>
      <ul>
        {AGENTS.map((agentType) => (
          <Agent key={agentType} agentType={agentType} />
        ))}
      </ul>
    </section>
  );
}
