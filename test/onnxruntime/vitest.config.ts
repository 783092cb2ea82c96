// cd test/onnxruntime && npm ci --ignore-scripts && npm test; Vitest is that of the repository.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import own from "../../vitest.config.ts";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { ...own.test, include: ["test/onnxruntime/**/*.live.ts"] },
});
