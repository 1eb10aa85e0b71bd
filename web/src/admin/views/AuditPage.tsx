import type { ReactElement } from "react";

import { usePage } from "../api/context";
import { apiPath } from "../api/paths";
import type { Action, AuditView } from "../api/types";
import type { Query } from "../routing/place";
import { PageBody } from "../shell/PageBody";
import { type Column, Table } from "../table/Table";
import { ConnectionLink, RoomLink, Since } from "./parts";

/** The subject of an action. */
function Subject({ action }: { readonly action: Action }): ReactElement {
  if (action.user !== undefined) return <>{action.user}</>;
  if (action.room !== undefined) return <RoomLink name={action.room} />;
  if (action.connection !== undefined) return <ConnectionLink id={action.connection} />;
  if (action.tokenId !== undefined) return <code>{action.tokenId}</code>;
  return <span className="none">everyone</span>;
}

const COLUMNS: readonly Column<Action>[] = [
  {
    key: "at",
    name: "Ago",
    isNumeric: true,
    cell: ({ at }) => (at === undefined ? "–" : <Since moment={at} />),
  },
  { key: "by", name: "By", cell: ({ by }) => by, title: ({ by }) => by },
  { key: "action", name: "Action", cell: ({ action }) => action },
  { key: "subject", name: "Of", cell: (action) => <Subject action={action} /> },
  {
    key: "message",
    name: "Details",
    isWide: true,
    cell: ({ message }) => message ?? "–",
    title: ({ message }) => message ?? "",
  },
];

/** The actions of operators, newest first. */
export function AuditPage({ query }: { readonly query: Query }): ReactElement {
  const page = usePage<AuditView>(apiPath(["audit"], { limit: query["limit"] }));
  return (
    <PageBody title="Audit" page={page}>
      {({ actions }) => (
        <>
          <h1>Audit</h1>
          {actions.length === 0 ? (
            <p className="loading">No operator has done anything yet.</p>
          ) : (
            <Table
              caption="Actions of operators"
              columns={COLUMNS}
              rows={actions}
              keyOf={(action) => JSON.stringify(action)}
            />
          )}
        </>
      )}
    </PageBody>
  );
}
