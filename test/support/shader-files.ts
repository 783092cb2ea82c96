import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Shader } from "../../src/shaders/shader.ts";

const folder = fileURLToPath(new URL("../../shaders", import.meta.url));

/** The files of shaders/ as they are written, comments and all, by path. */
export const shaderFiles: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith(".wgsl"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [relative(folder, path).split(sep).join("/"), readFileSync(path, "utf8").replaceAll("\r\n", "\n")]),
);

/** A shader of texts by file; it may include all the others. */
export function shaderOf(sources: Readonly<Record<string, string>>, file = "k.wgsl"): Shader {
  const { [file]: source, ...others } = sources;
  const includes = Object.entries(others).map(([file, source]) => ({ file, source, includes: [] }));
  return { file, source: source!, includes };
}

/** A shader with the comments of its files. */
export const withComments = (shader: Shader): Shader => ({
  ...shader,
  source: shaderFiles[shader.file]!,
  includes: shader.includes.map(withComments),
});
