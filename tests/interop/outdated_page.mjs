// Prints whether the built TypeScript client considers its contract outdated.
import { createClient } from "../../js/dist/index.js";

const { url, options } = JSON.parse(process.argv[2]);
const client = createClient(url, { token: "any token", transports: ["websocket"], ...options });
await client.connect();
console.log(JSON.stringify({ isOutdated: client.connection.getSnapshot().otherContract !== null }));
client.disconnect();
