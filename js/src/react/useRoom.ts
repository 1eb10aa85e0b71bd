import { useEffect, useMemo } from "react";

import type { RoomSnapshot } from "../index.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

/** A room's state as a component sees it. */
export interface RoomView extends RoomSnapshot {
  /** Whether the status is `catching_up` or `live`. */
  isJoined: boolean;
}

const NOT_JOINED: RoomSnapshot = Object.freeze({ status: null, error: null });

const select = (room: RoomSnapshot): RoomView => ({
  ...room,
  isJoined: room.status === "live" || room.status === "catching_up",
});

/** Joins a room while the component is mounted. A null name joins none. */
export function useRoom(name: string | null): RoomView {
  const client = useClient();
  const room = useMemo(() => (name === null ? null : client.room(name)), [client, name]);
  useEffect(() => (name === null ? undefined : client.holdRoom(name)), [client, name]);
  return useReadable(room, NOT_JOINED, select);
}
