import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import shared from "../../vitest.config.ts";

// Vitest is that of the repository; this folder's packages are ONNX Runtime alone.
export default defineConfig({
  ...shared,
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { ...shared.test, include: ["test/onnxruntime/**/*.test.ts"], exclude: ["**/node_modules/**"] },
});
