import { useClient } from "longwire/react";
import { useSyncExternalStore } from "react";

import { nameOf } from "./status";

/** What a job is called that the reader may see in their list; its id if it is not there. */
export function useJobName(jobId: string): string {
  const list = useClient().jobs();
  return useSyncExternalStore(list.subscribe, () => {
    const job = list.getSnapshot().jobs.find((one) => one.jobId === jobId);
    return nameOf(job ?? { jobId, title: null });
  });
}
