// Writes src/shaders/**/*.generated.ts from shaders/**/*.wgsl, so that Node, bundlers and browsers import the same text with
// no loader and no fetch. Run: node scripts/shaders.mjs [--check]
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { moduleOf, moduleText, shaderFiles, source } from "./shader-modules.mjs";

const wanted = new Map([...shaderFiles()].map(([file, text]) => [moduleOf(file), moduleText(file, text)]));
// Of files that are gone, and of earlier versions of this script; src/wasm and src/pytorch have what other scripts make.
const left = readdirSync(source, { recursive: true })
  .filter((name) => name.endsWith(".generated.ts") && !/^(wasm|pytorch)\b/.test(name))
  .map((name) => join(source, name))
  .filter((path) => !wanted.has(path));
// An unchanged file keeps its time, so that watchers of src/ do not wake up.
const stale = [...wanted].filter(([path, text]) => !existsSync(path) || readFileSync(path, "utf8") !== text);

if (process.argv.includes("--check")) {
  if (stale.length + left.length > 0) {
    console.error("src/shaders/ is not what shaders/ says: run node scripts/shaders.mjs");
    process.exitCode = 1;
  }
} else {
  for (const path of left) rmSync(path);
  for (const [path, text] of stale) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  if (stale.length + left.length > 0) console.log(`src/shaders/: ${wanted.size} files, ${stale.length} of them new`);
}
