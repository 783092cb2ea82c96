// The modules that scripts/shaders.mjs makes of the files in shaders/: one for each, which imports those that it includes, so
// that a bundle has the shaders of its kernels and no others.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "shaders");

export const source = join(root, "src");

/** All files in shaders/ with their texts, by path: `lib/clip.wgsl`. */
export function shaderFiles() {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".wgsl"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  if (files.length === 0) throw new Error(`${folder} holds no .wgsl file`);
  return new Map(
    files.map((file) => [
      relative(folder, file).split(sep).join("/"),
      readFileSync(file, "utf8").replaceAll("\r\n", "\n"),
    ]),
  );
}

const stemOf = (file) => file.replace(/\.wgsl$/, "");

/** The path of a file's module, in folders as those of shaders/. */
export const moduleOf = (file) => join(source, "shaders", `${stemOf(file)}.generated.ts`);

/** `lib/group-index.wgsl` is exported as groupIndexWgsl. */
const nameOf = (file) =>
  `${stemOf(file)
    .split("/")
    .at(-1)
    .replace(/-(\w)/g, (_, letter) => letter.toUpperCase())}Wgsl`;

const isDirective = (line) => /^\s*\/\/\s*#\w/.test(line);

/** Signs that mean the same without spaces: all but the first - of `a - -b`. */
const signs = / ?([-+*/%<>=!&|]=|->|&&|\|\||-(?! -)|[=+*/%<>,:;{}()]) ?/g;

/**
 * Without comments, indentation, and spaces beside signs that are no part of a longer one without them. Lines stay, because the
 * compiler's messages name them, and `// #include` and `// #unroll`; a message's column counts in what is left.
 */
function withoutComments(file, text) {
  if (text.includes("/*")) throw new Error(`shaders/${file} has a block comment; write // in front of each line`);
  return text
    .split("\n")
    .map((line) =>
      isDirective(line)
        ? line.trim()
        : line
            .replace(/\s*\/\/.*$/, "")
            .trim()
            .replaceAll(signs, "$1"),
    )
    .join("\n");
}

/** The text of a file's module. */
export function moduleText(file, text) {
  const depth = file.split("/").length - 1;
  const up = depth === 0 ? "./" : "../".repeat(depth);
  const included = [...text.matchAll(/^\s*\/\/\s*#include\s+"([^"]+)"/gm)].map(([, one]) => one);
  const imports = included.map((one) => `import { ${nameOf(one)} } from "${up}${stemOf(one)}.generated.ts";\n`);
  return `// Made by scripts/shaders.mjs from shaders/${file}. Do not edit.
import type { Shader } from "${up}shader.ts";
${imports.join("")}
export const ${nameOf(file)}: Shader = {
  file: ${JSON.stringify(file)},
  source: ${JSON.stringify(withoutComments(file, text))},
  includes: [${included.map(nameOf).join(", ")}],
};
`;
}
