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

const files = new Map([[`${PACKAGE}src/around.d.ts`, AROUND]]);
for (const [, kind, code] of TEXT.matchAll(/^```(tsx?)\n(.*?)^```$/gms)) {
  files.set(`${PACKAGE}src/readme-${files.size}.${kind}`, code);
}

const { config } = ts.readConfigFile(`${PACKAGE}tsconfig.json`, (path) => ts.sys.readFile(path));
const paths = {
  longwire: ["./src/index.ts"],
  "longwire/react": ["./src/react/index.ts"],
  "longwire/*": ["./src/*.ts"],
};
const settings = { ...config.compilerOptions, paths };
const { options } = ts.convertCompilerOptionsFromJson(settings, PACKAGE);
const host = ts.createCompilerHost(options);
const disk = { ...host };
host.fileExists = (name) => files.has(name) || disk.fileExists(name);
host.readFile = (name) => files.get(name) ?? disk.readFile(name);
host.getSourceFile = (name, ...rest) =>
  files.has(name)
    ? ts.createSourceFile(name, files.get(name), ts.ScriptTarget.ES2022)
    : disk.getSourceFile(name, ...rest);

const program = ts.createProgram([...files.keys()], options, host);
const faults = ts.getPreEmitDiagnostics(program);
process.stdout.write(ts.formatDiagnosticsWithColorAndContext(faults, host));
process.stdout.write(`${files.size - 1} snippets of documents, ${faults.length} faults\n`);
if (faults.length > 0 || files.size < 15) process.exitCode = 1;
