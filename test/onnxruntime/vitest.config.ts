// npm ci --prefix test/onnxruntime --ignore-scripts && npx vitest run --config test/onnxruntime/vitest.config.ts
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import own from "../../vitest.config.ts";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { ...own.test, include: ["test/onnxruntime/**/*.live.ts"] },
});
