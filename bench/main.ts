// npm run bench
import { fileURLToPath } from "node:url";
import { bench, benchCommand } from "./bench.ts";
import { writeBundle } from "./bundle.ts";
import { commitOf } from "./commit.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = benchCommand()
  .option("--bundle <folder>", "write bench, verify and compare as files that run beside the webgpu package alone")
  .option("--before <checkout>", "with --bundle: an older checkout to compare with");
const { bundle, before, ...options } = command.parse().opts();

if (before !== undefined && bundle === undefined) command.error("--before is only of use with --bundle");
if (bundle === undefined) await bench(options as Parameters<typeof bench>[0], commitOf(root));
else for (const file of await writeBundle(bundle, before)) console.log(file);
