import type { AgentStatusEvent } from "longwire";
import { type ReactElement, useId } from "react";

import { count, formatLabel } from "../format/number";
import { formatRoute } from "../routing/route";
import { agentName } from "./agentName";

function Agent({ agent }: { readonly agent: AgentStatusEvent }): ReactElement {
  const queue = agent.queueDepth ?? 0;
  return (
    <li className="agent" data-status={agent.status}>
      <span className="agent-name">{agentName(agent.agentType)}</span>
      <span className="agent-status">{formatLabel(agent.status)}</span>
      {(agent.currentJob !== undefined || queue > 0) && (
        <span className="agent-work">
          {agent.currentJob !== undefined && (
            <a href={formatRoute({ page: "job", jobId: agent.currentJob })}>{agent.currentJob}</a>
          )}
          {queue > 0 && <span>{count(queue, "job")} waiting</span>}
        </span>
      )}
    </li>
  );
}

/** Which agents are at work, on what, and how much waits for them. */
export function Agents({ agents }: { readonly agents: readonly AgentStatusEvent[] }): ReactElement {
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Agents</h2>
      <ul>
        {agents.map((agent) => (
          <Agent key={agent.agentType} agent={agent} />
        ))}
      </ul>
    </section>
  );
}
