import type { ReactElement } from "react";

import { formatLabel, formatMetric, formatNumber } from "../../format/number";
import { usePage } from "../api/context";
import type { ContractsView, ContractVersion } from "../api/types";
import { PageBody } from "../shell/PageBody";
import { type Column, Table } from "../table/Table";

const COLUMNS: readonly Column<ContractVersion>[] = [
  {
    key: "fingerprint",
    name: "Contract",
    isWide: true,
    cell: ({ fingerprint, isServer }) => (
      <>
        <code>{fingerprint || "none given"}</code>
        {isServer && <span className="tag">the server’s</span>}
      </>
    ),
    title: ({ fingerprint }) => fingerprint,
  },
  {
    key: "connections",
    name: "Connections",
    isNumeric: true,
    cell: ({ connections }) => formatNumber(connections),
  },
  {
    key: "signIns",
    name: "Sign-ins",
    isNumeric: true,
    cell: ({ signIns }) => formatNumber(signIns),
  },
];

function Facts({
  facts,
}: {
  readonly facts: readonly (readonly [string, unknown])[];
}): ReactElement {
  return (
    <dl>
      {facts.map(([name, value]) => (
        <div key={name} className="fact">
          <dt>{formatLabel(name)}</dt>
          <dd>{formatMetric(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Returns the members of an option that is a group of options. */
function groupOf(value: unknown): Record<string, unknown> | null {
  const isGroup = typeof value === "object" && value !== null && !Array.isArray(value);
  return isGroup ? (value as Record<string, unknown>) : null;
}

function Options({
  options,
}: {
  readonly options: Readonly<Record<string, unknown>>;
}): ReactElement {
  const entries = Object.entries(options);
  return (
    <section>
      <h2>Options in force</h2>
      <div className="options">
        <div>
          <h3>Server</h3>
          <Facts facts={entries.filter(([, value]) => groupOf(value) === null)} />
        </div>
        {entries.map(([name, value]) => {
          const group = groupOf(value);
          return (
            group !== null && (
              <div key={name}>
                <h3>{formatLabel(name)}</h3>
                <Facts facts={Object.entries(group)} />
              </div>
            )
          );
        })}
      </div>
    </section>
  );
}

/** Which contract clients were built for, and the options of the server. */
export function ContractsPage(): ReactElement {
  const page = usePage<ContractsView>("contracts");
  return (
    <PageBody title="Contracts" page={page}>
      {({ versions, options }) => (
        <>
          <h1>Contracts</h1>
          <Table
            caption="Contracts of clients"
            columns={COLUMNS}
            rows={versions}
            keyOf={({ fingerprint }) => fingerprint}
            stateOf={({ isServer }) => (isServer ? undefined : "lagging")}
          />
          <Options options={options} />
        </>
      )}
    </PageBody>
  );
}
