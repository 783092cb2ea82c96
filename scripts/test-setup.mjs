// Vitest runs this once, before it starts its workers, and what it returns once they have ended.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { galleryFolder } from "../test/support/gallery-folder.ts";

export default function setup() {
  execFileSync(process.execPath, [fileURLToPath(new URL("generate.mjs", import.meta.url))], { stdio: "inherit" });
  const forget = () => rmSync(galleryFolder(process.pid), { recursive: true, force: true });
  forget();
  return forget;
}
