// Writes src/wasm/module.generated.ts from src/wasm/assembly/*.ts, which is AssemblyScript: the kernels of the WebAssembly backend as
// text that Node, bundlers and pages import without a fetch, and the types of what they export. The matrix product is there twice:
// among the kernels, and alone with the instructions of relaxed SIMD. Run: node scripts/wasm.mjs
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../src/wasm/assembly/", import.meta.url));
const module = fileURLToPath(new URL("../src/wasm/module.generated.ts", import.meta.url));
const files = readdirSync(sources).filter((name) => name.endsWith(".ts"));

const hash = createHash("sha256");
for (const path of [fileURLToPath(import.meta.url), ...files.map((name) => sources + name)])
  hash.update(readFileSync(path));
const head = `// Made by scripts/wasm.mjs from src/wasm/assembly/, ${hash.digest("hex").slice(0, 16)}. Do not edit.`;
if (!existsSync(module) || !readFileSync(module, "utf8").startsWith(head)) await generate();

async function generate() {
  const plain = await compile("index.ts", ["simd"]);
  const relaxed = await compile("product.ts", ["simd", "relaxed-simd"], { "madd.ts": "madd-relaxed.ts" });
  // Both have the same memory: constants of the second would be written over those of the first.
  if (hasData(relaxed.code)) throw new Error("src/wasm/assembly/product.ts keeps constants in memory");
  writeFileSync(
    module,
    `${head}
/** What the module exports; \`usize\` are byte addresses and strides. */
export interface Exports {
${membersOf(plain.types).join("\n")}
}
/** ${plain.code.length} bytes. */
export const moduleBase64: string =
  "${plain.code.toString("base64")}";
/** What product.ts exports, with relaxed SIMD: ${relaxed.code.length} bytes. */
export const relaxedProductBase64: string =
  "${relaxed.code.toString("base64")}";
`,
  );
  console.log(`src/wasm/: ${files.length} files, ${plain.code.length} and ${relaxed.code.length} bytes`);
}

/** @param instead the file that is read in place of another */
async function compile(entry, features, instead = {}) {
  // Two seconds to load, so only when something has changed.
  const { default: asc } = await import("assemblyscript/asc");
  const written = new Map();
  const { error, stderr } = await asc.main(
    [
      entry,
      ...["--outFile", "module.wasm"],
      ...["--bindings", "raw"],
      ...["--optimizeLevel", "3"],
      ...["--shrinkLevel", "0"],
      ...["--runtime", "stub"],
      ...features.flatMap((feature) => ["--enable", feature]),
      ...["--disable", "sign-extension"],
      "--importMemory",
      "--noAssert",
    ],
    {
      readFile: (name) => (files.includes(name) ? readFileSync(sources + (instead[name] ?? name), "utf8") : null),
      writeFile: (name, contents) => void written.set(name, contents),
      listFiles: () => [],
    },
  );
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
  return { code: Buffer.from(written.get("module.wasm")), types: written.get("module.d.ts") };
}

/** Whether a module has a data section: the one with number 11 (WebAssembly core specification, binary format of modules). */
function hasData(code) {
  const DATA = 11;
  let at = 8;
  while (at < code.length) {
    const id = code[at++];
    if (id === DATA) return true;
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = code[at++];
      size |= (byte & 127) << shift;
      more = byte > 127;
    }
    at += size;
  }
  return false;
}

/** Lines of an interface from the declarations that AssemblyScript writes. */
function membersOf(types) {
  return [...types.matchAll(/^ {2}export function (.*?;?)$/gm)].map(
    ([, signature]) => `  ${signature.replace(/;?$/, ";")}`,
  );
}
