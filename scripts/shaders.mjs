// Writes src/shaders.generated.ts from shaders/**/*.wgsl, so that Node, bundlers and browsers
// import the same text with no loader and no fetch. Run: node scripts/shaders.mjs [--check]
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "shaders");
const target = join(root, "src", "shaders.generated.ts");

const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".wgsl"))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort();
if (files.length === 0) throw new Error(`${folder} holds no .wgsl file`);

const entries = files.map((file) => {
  const key = relative(folder, file).split(sep).join("/");
  const text = readFileSync(file, "utf8").replaceAll("\r\n", "\n");
  return `  ${JSON.stringify(key)}: ${JSON.stringify(text)},\n`;
});
const text = `// Made by scripts/shaders.mjs from shaders/. Do not edit.
export const shaders: Readonly<Record<string, string>> = {
${entries.join("")}};
`;

// An unchanged file keeps its time, so that watchers of src/ do not wake up.
const stale = !existsSync(target) || readFileSync(target, "utf8") !== text;
if (process.argv.includes("--check")) {
  if (stale) {
    console.error("src/shaders.generated.ts is not what shaders/ says: run node scripts/shaders.mjs");
    process.exitCode = 1;
  }
} else if (stale) {
  writeFileSync(target, text);
  console.log(`src/shaders.generated.ts: ${files.length} files`);
}
