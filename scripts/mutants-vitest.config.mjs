// How mutations-typescript.mjs runs Vitest: with one file changed, or with marks where mutants are. The job is a JSON file.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeConfig } from "vitest/config";
import base from "../vitest.config.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { sources, names, workers, marks } = JSON.parse(readFileSync(process.env.MUTANTS_JOB, "utf8"));

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

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
    // The shaders are generated before the first run.
    globalSetup: [],
    setupFiles: marks ? [join(root, "scripts", "mutants-setup.mjs")] : [],
    maxWorkers: workers,
    bail: marks ? 0 : 1,
    // Several runs share the machine; what does not end is ended by the parent.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    ...(names && { testNamePattern: new RegExp(`^(?:${names.map(escaped).join("|")})$`) }),
  },
});
// Merging would add to them.
config.test.globalSetup = [];
config.test.reporters = ["json"];
config.test.include = ["test/**/*.test.ts"];
config.test.exclude = ["test/demo/**", "test/bench/**", "test/layering.test.ts"];
export default config;
