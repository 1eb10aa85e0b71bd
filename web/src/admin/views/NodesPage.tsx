import type { ReactElement } from "react";

import { formatBytes, formatSeconds } from "../../format/measure";
import { formatNumber } from "../../format/number";
import { usePage } from "../api/context";
import type { Node, NodesView } from "../api/types";
import { PageBody } from "../shell/PageBody";
import { type Column, Table } from "../table/Table";
import { Lag, Since } from "./parts";

function stateOf(node: Node): string {
  if (node.isMissing) return "no answer";
  return node.isDraining ? "draining" : "serving";
}

/** Returns the contract that most nodes have; the others are marked. */
function usualContract(nodes: readonly Node[]): string | null {
  const counts = new Map<string, number>();
  for (const { contract } of nodes) counts.set(contract, (counts.get(contract) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

function columnsFor(nodes: readonly Node[]): readonly Column<Node>[] {
  const contract = usualContract(nodes);
  return [
    {
      key: "name",
      name: "Node",
      isWide: true,
      cell: (node) => node.name,
      title: (node) => node.name,
    },
    { key: "state", name: "State", cell: (node) => <span className="state">{stateOf(node)}</span> },
    { key: "version", name: "Version", cell: (node) => node.version },
    {
      key: "since",
      name: "Up for",
      isNumeric: true,
      cell: (node) => <Since moment={node.since} />,
    },
    {
      key: "connections",
      name: "Connections",
      isNumeric: true,
      cell: (node) => formatNumber(node.connections),
      title: (node) => `${node.users} users, ${node.sessions} connections signed in or not`,
    },
    { key: "rooms", name: "Rooms", isNumeric: true, cell: (node) => formatNumber(node.rooms) },
    {
      key: "lagging",
      name: "Behind",
      isNumeric: true,
      cell: (node) => <Lag entries={node.lagging} />,
    },
    { key: "cpu", name: "CPU time", isNumeric: true, cell: (node) => formatSeconds(node.cpu) },
    { key: "memory", name: "Memory", isNumeric: true, cell: (node) => formatBytes(node.memory) },
    {
      key: "loopDelay",
      name: "Loop late",
      isNumeric: true,
      cell: (node) => formatSeconds(node.loopDelay),
    },
    {
      key: "brokerDelay",
      name: "Broker",
      isNumeric: true,
      cell: (node) => (node.brokerDelay === null ? "–" : formatSeconds(node.brokerDelay)),
    },
    {
      key: "contract",
      name: "Contract",
      title: (node) => node.contract,
      cell: (node) => (
        <code className={node.contract === contract ? undefined : "differs"}>
          {node.contract.slice(0, 8)}
          {node.contract !== contract && <span className="visually-hidden"> differs</span>}
        </code>
      ),
    },
  ];
}

/** Every process that serves clients. */
export function NodesPage(): ReactElement {
  const page = usePage<NodesView>("nodes");
  return (
    <PageBody title="Nodes" page={page}>
      {({ nodes }) => (
        <>
          <h1>Nodes</h1>
          <Table
            caption="Nodes"
            columns={columnsFor(nodes)}
            rows={nodes}
            keyOf={(node) => node.name}
            stateOf={stateOf}
          />
        </>
      )}
    </PageBody>
  );
}
