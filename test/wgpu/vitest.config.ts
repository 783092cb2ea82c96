// What runs on wgpu; main.ts starts it in Deno. What the repository tests on every backend is run as it is, and what is here.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import own from "../../vitest.config.ts";

/** Kernels against their twins, and the parity cases. */
const onBackends = ["test/kernels/*twins*.test.ts", "test/cli/verify.test.ts"];
// Projects would add theirs to it.
const { include: _, ...shared } = own.test!;
const gpu = { TEST_BACKENDS: "gpu" };

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    ...shared,
    // main.ts has generated everything, in Node.
    globalSetup: [],
    alias: [
      ...(shared.alias as { find: RegExp; replacement: string }[]),
      { find: /^webgpu$/, replacement: fileURLToPath(new URL("no-dawn.ts", import.meta.url)) },
    ],
    projects: [
      {
        extends: true,
        test: { name: "wgpu", include: ["test/wgpu/*.live.ts"], env: { ALL_VARIANTS: "1" } },
      },
      // The stricter limits are enough for each change.
      ...(process.env.ALL_LIMITS === "1"
        ? [{ extends: true as const, test: { name: "wgpu, the adapter's limits", include: onBackends, env: gpu } }]
        : []),
      {
        extends: true,
        // Later, when the driver has the compiled kernels in its cache.
        test: {
          name: "wgpu, default limits",
          include: onBackends,
          env: { ...gpu, TEST_LIMITS: "default" },
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
