// node scripts/run-ts.mjs FILE.ts [ARGUMENTS...]: runs a TypeScript program of this repository from its sources.
// Goes when the oldest Node of package.json's "engines" strips types itself (22.18).
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const [file, ...rest] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node scripts/run-ts.mjs FILE.ts [ARGUMENTS...]");
  process.exit(2);
}
const path = resolve(file);
process.argv = [process.argv[0], path, ...rest];
const root = fileURLToPath(new URL("..", import.meta.url));
// The examples import the package by its name.
const alias = { "webgpu-rnn": resolve(root, "src/node.ts") };
await runnerImport(path, { configFile: false, root, resolve: { alias } });
