import { signToken } from "../../longwire";

/** A token for the browser; no cache keeps the answer to a POST, and no other site can read it. */
export const POST = () => new Response(signToken());
