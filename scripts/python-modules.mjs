// Writes src/pytorch/project/*.generated.ts from python/project/*.py, the files of an exported PyTorch project that are the same
// for every model, so that a page has them too.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const from = fileURLToPath(new URL("../python/project/", import.meta.url));
const to = fileURLToPath(new URL("../src/pytorch/project/", import.meta.url));

const files = readdirSync(from).filter((name) => name.endsWith(".py"));
mkdirSync(to, { recursive: true });
for (const name of files.sort()) {
  const stem = name.replace(/\.py$/, "");
  const text = `// Made by scripts/python-modules.mjs from python/project/${name}. Do not edit.
export const ${stem}Py: string = ${JSON.stringify(readFileSync(join(from, name), "utf8").replaceAll("\r\n", "\n"))};
`;
  const path = join(to, `${stem}.generated.ts`);
  // An unchanged file keeps its time, so that watchers of src/ do not wake up.
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}
