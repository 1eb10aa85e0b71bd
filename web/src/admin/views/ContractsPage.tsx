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

function Options({
  options,
}: {
  readonly options: Readonly<Record<string, unknown>>;
}): ReactElement {
  return (
    <section>
      <h2>Options in force</h2>
      <dl className="options">
        {Object.entries(options).map(([name, value]) => (
          <div key={name} className="fact">
            <dt>{formatLabel(name)}</dt>
            <dd>{formatMetric(value)}</dd>
          </div>
        ))}
      </dl>
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
