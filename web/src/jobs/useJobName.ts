import { useClient } from "longwire/react";
import { useSyncExternalStore } from "react";

import { nameOf } from "./status";

/** Returns the name of a job in the user's list; the id of any other job. */
export function useJobName(jobId: string): string {
  const list = useClient().jobs();
  return useSyncExternalStore(list.subscribe, () => {
    const job = list.getSnapshot().jobs.find((one) => one.jobId === jobId);
    return nameOf(job ?? { jobId, title: null });
  });
}
