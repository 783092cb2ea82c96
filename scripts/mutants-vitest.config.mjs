// How mutations-typescript.mjs runs Vitest: with mistakes behind switches, and a runner that turns them. The job is a JSON file.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeConfig } from "vitest/config";
import base from "../vitest.config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { sources, workers, active } = JSON.parse(readFileSync(process.env.MUTANTS_JOB, "utf8"));

const config = mergeConfig(base, {
  root,
  plugins: [
    {
      name: "mutants",
      enforce: "pre",
      load: (id) => sources[relative(root, id).replaceAll("\\", "/")] ?? null,
    },
  ],
  test: {
    runner: join(root, "scripts", "mutants-runner.mjs"),
    // Mistakes that fill the memory end their process, not the machine.
    execArgv: ["--max-old-space-size=2048"],
    maxWorkers: workers,
    bail: active === undefined ? 0 : 1,
    // What does not end is ended by the parent.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
// The shaders are generated before the first run. Merging would add to these.
config.test.globalSetup = [];
config.test.reporters = ["dot"];
export default config;
