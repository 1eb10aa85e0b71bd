// Compiles the code of the documents as a user of the package would, beside a generated contract.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const PACKAGE = fileURLToPath(new URL("../", import.meta.url));
const DOCUMENTS = [
  "README.md",
  "../README.md",
  "../docs/guides/react.md",
  "../docs/guides/offline.md",
  "../docs/guides/from-the-specification.md",
];
const TEXT = DOCUMENTS.map((name) => readFileSync(`${PACKAGE}${name}`, "utf8")).join("\n");

/** Functions that the snippets use and do not define. */
const AROUND = `
declare function fetchToken(): Promise<string>;
declare function show(...things: unknown[]): void;
`;

/** The contract of the application that the snippets belong to, as `longwire types` registers it. */
const CONTRACT = `
import type * as catalog from "../contract.js";
export { CONTRACT_FINGERPRINT, EVENTS } from "../contract.js";
export interface ServerToClientEvents extends catalog.ServerToClientEvents {
  "order:shipped": (data: { shop: string; orderId: string }) => void;
  "stock:changed": (data: { shop: string; product: string; count: number }) => void;
}
export type ClientToServerEvents = catalog.ClientToServerEvents;
interface Contract {
  received: ServerToClientEvents;
  sent: ClientToServerEvents;
  events: typeof catalog.EVENTS & {
    "order:shipped": { conflate: null };
    "stock:changed": { conflate: { key: readonly ["product"] } };
  };
}
declare module "longwire" {
  interface Register {
    contract: Contract;
  }
}
`;

const FOLDER = `${PACKAGE}src/readme/`;
const files = new Map([
  [`${FOLDER}around.d.ts`, AROUND],
  [`${FOLDER}contract.ts`, CONTRACT],
]);
for (const [, kind, code] of TEXT.matchAll(/^```(tsx?)\n(.*?)^```$/gms)) {
  files.set(`${FOLDER}${files.size}.${kind}`, code);
}

const { config } = ts.readConfigFile(`${PACKAGE}tsconfig.json`, (path) => ts.sys.readFile(path));
const paths = {
  longwire: ["./src/index.ts"],
  "longwire/react": ["./src/react/index.ts"],
  "longwire/compat": ["./src/compat/index.ts"],
  "longwire/*": ["./src/*.ts"],
};
const settings = { ...config.compilerOptions, paths };
const { options } = ts.convertCompilerOptionsFromJson(settings, PACKAGE);
const host = ts.createCompilerHost(options);
const disk = { ...host };
host.directoryExists = (name) => FOLDER.startsWith(name) || disk.directoryExists(name);
host.fileExists = (name) => files.has(name) || disk.fileExists(name);
host.readFile = (name) => files.get(name) ?? disk.readFile(name);
host.getSourceFile = (name, ...rest) =>
  files.has(name)
    ? ts.createSourceFile(name, files.get(name), ts.ScriptTarget.ES2022)
    : disk.getSourceFile(name, ...rest);

const program = ts.createProgram([...files.keys()], options, host);
const faults = ts.getPreEmitDiagnostics(program);
process.stdout.write(ts.formatDiagnosticsWithColorAndContext(faults, host));
process.stdout.write(`${files.size - 2} snippets of documents, ${faults.length} faults\n`);
if (faults.length > 0 || files.size < 16) process.exitCode = 1;
