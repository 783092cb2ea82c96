import { defineConfig } from "vitest/config";
import { aliases } from "./scripts/entries.ts";

export default defineConfig({
  test: {
    // The examples import the package by its name.
    alias: aliases("node"),
    include: ["test/**/*.test.ts"],
    globalSetup: ["scripts/test-setup.mjs"],
    // On request: every plan of the other backends runs on WebAssembly too.
    setupFiles: process.env.PLANS_ON_WASM ? ["test/support/plans-on-wasm.ts"] : [],
    // A process per file: each opens its own device, and Dawn's ends with the process.
    pool: "forks",
    // A software adapter uses every core already; more workers only make each test slower.
    maxWorkers: 2,
    // SwiftShader on two cores takes seconds to compile the larger pipelines.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", "./scripts/reporter.mjs"],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/**/*.generated.ts", "src/wasm/assembly"],
      reporter: ["text", "json-summary"],
      reportsDirectory: "coverage",
      reportOnFailure: true,
    },
  },
});
