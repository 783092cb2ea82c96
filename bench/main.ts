// npm run bench
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bench, benchCommand } from "./bench.ts";
import { writeBundle } from "./bundle.ts";
import { chartOf } from "./chart.ts";
import { commitOf } from "./commit.ts";
import { printCompileTimes } from "./compile.ts";
import { printNativeShare } from "./native-share.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = benchCommand()
  .option("--bundle <folder>", "write bench, verify and compare as files that run beside the webgpu package alone")
  .option("--before <checkout>", "with --bundle: an older checkout to compare with")
  .option(
    "--native-share",
    "instead: what each kernel of the README's models takes on WebAssembly, and which are native",
  )
  .option("--chart <file>", "instead: an SVG of the results that --json wrote there")
  .option("--compile", "instead: what each pipeline takes to compile where the driver's cache is empty");
const { bundle, before, nativeShare, chart, compile, ...options } = command.parse().opts();

if (before !== undefined && bundle === undefined) command.error("--before is only of use with --bundle");
if (chart !== undefined) {
  try {
    process.stdout.write(chartOf(readFileSync(chart, "utf8")));
  } catch (error) {
    command.error(`bench: ${chart}: ${(error as Error).message}`);
  }
} else if (compile) await printCompileTimes();
else if (nativeShare) await printNativeShare();
else if (bundle === undefined) await bench(options as Parameters<typeof bench>[0], commitOf(root));
else for (const file of await writeBundle(bundle, before)) console.log(file);
