import { signToken } from "../../longwire";

/** Returns a token to the browser. The response to a POST is not cached, nor readable by other sites. */
export const POST = () => new Response(signToken());
