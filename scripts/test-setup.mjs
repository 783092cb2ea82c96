// Vitest runs this once, before it starts its workers.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export default function setup() {
  execFileSync(process.execPath, [fileURLToPath(new URL("generate.mjs", import.meta.url))], { stdio: "inherit" });
}
