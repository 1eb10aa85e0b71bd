import { useEffect, useMemo } from "react";

import type { RoomSnapshot } from "../index.js";
import { useClient } from "./provider.js";
import { useReadable } from "./useReadable.js";

export interface RoomView extends RoomSnapshot {
  isJoined: boolean;
}

const OUTSIDE: RoomSnapshot = Object.freeze({ status: "left", error: null });

const select = (room: RoomSnapshot): RoomView => ({ ...room, isJoined: room.status === "joined" });

/** Is in a room while mounted; `null` means none. */
export function useRoom(name: string | null): RoomView {
  const client = useClient();
  const room = useMemo(() => (name === null ? null : client.room(name)), [client, name]);
  useEffect(() => (name === null ? undefined : client.holdRoom(name)), [client, name]);
  return useReadable(room, OUTSIDE, select);
}
