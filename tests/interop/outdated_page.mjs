// A page of Longwire's TypeScript client, as built: what it knows of the server's contract.
import { createClient } from "../../js/dist/index.js";

const { url, options } = JSON.parse(process.argv[2]);
const client = createClient(url, { token: "anybody", transports: ["websocket"], ...options });
await client.connect();
console.log(JSON.stringify({ isOutdated: client.connection.getSnapshot().isOutdated }));
client.disconnect();
