// Compiles the code in README.md as a user of the package would, beside a generated contract.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const PACKAGE = fileURLToPath(new URL("../", import.meta.url));
const README = readFileSync(`${PACKAGE}README.md`, "utf8");

/** What the snippets leave to their reader. */
const AROUND = `
declare function fetchToken(): Promise<string>;
declare function show(...things: unknown[]): void;
`;

const files = new Map([[`${PACKAGE}src/around.d.ts`, AROUND]]);
for (const [, kind, code] of README.matchAll(/^```(tsx?)\n(.*?)^```$/gms)) {
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
process.stdout.write(`${files.size - 1} snippets of README.md, ${faults.length} faults\n`);
if (faults.length > 0 || files.size < 5) process.exitCode = 1;
