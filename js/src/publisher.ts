import type { Connection } from "./connection.js";
import type { Position, PublishAck, PublishRequest } from "./contract.js";
import { LongwireError, PublishError } from "./errors.js";

/** Options of a publication. */
export interface PublishOptions {
  /** The room, for an event whose payload does not determine it. */
  room?: string | undefined;
  /**
   * 1 to 200 characters that make a repetition safe: the same id in the same room is published once
   * within five minutes. Default: a new one for each call.
   */
  id?: string | undefined;
  /**
   * Publish only if the newest entry of the same event and key is at this position, or, if null,
   * does not exist. Default: publish in any case.
   */
  expect?: Position | null | undefined;
}

/** Returns an id that no other publication has. */
export function newId(): string {
  const words = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(words, (word) => word.toString(36)).join("");
}

/**
 * Sends a publication until it is answered; it is sent again over the next connection if one is lost.
 *
 * @param timeout how long to wait for a connection and the answer, in milliseconds.
 */
export async function publish(
  connection: Connection,
  timeout: number,
  request: PublishRequest & { id: string },
): Promise<Position> {
  const { state, error, userId } = connection.status.getSnapshot();
  if (state === "error") throw error as Error;
  const deadline = Date.now() + timeout;
  for (;;) {
    await connection.whenReady(Math.max(1, deadline - Date.now()));
    if (userId !== null && userId !== connection.status.getSnapshot().userId) {
      throw new LongwireError("another_user", "Another user signed in before it was published.");
    }
    const left = Math.max(1, deadline - Date.now());
    const answer = await connection.request(left, "publish", request).catch(() => null);
    if (answer) return readPosition(answer as PublishAck);
    // A lost connection: the id makes another request safe.
    if (connection.state === "connected" || Date.now() >= deadline) {
      throw new LongwireError("timeout", `No answer to the publication ${request.id}.`);
    }
  }
}

function readPosition(answer: PublishAck): Position {
  if (!answer.ok) throw new PublishError(answer.error);
  const { epoch = "", offset = 0 } = answer;
  return { epoch, offset };
}
