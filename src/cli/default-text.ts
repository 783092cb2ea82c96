import { existsSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { findFiles, joinTexts, nameOfPath, readTexts, type SkippedFile } from "../io/files.ts";

/** The folder that holds package.json; this file is in src/cli or dist/cli. */
export const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

/** Made from the other files, so that they would be there twice. */
const generated = /\.generated\.[jt]s$|^webgpu-rnn\.js$/;

export interface NamedText {
  readonly text: string;
  /** For messages. */
  readonly name: string;
  readonly files: number;
  /** What was in the folders and is no text. */
  readonly skipped: readonly SkippedFile[];
}

/**
 * What is trained on when no text is named: the package's own documentation, shaders and source (the compiled one where
 * the source is not there, as in the published package), in a fixed order.
 */
export async function ownText(root: string = packageRoot): Promise<NamedText> {
  const parts: [folder: string, extension: string][] = [
    ["docs", ".md"],
    ["shaders", ".wgsl"],
    existsSync(join(root, "src")) ? ["src", ".ts"] : ["dist", ".js"],
  ];
  const paths: string[] = [];
  for (const [folder, extension] of parts) {
    if (!existsSync(join(root, folder))) continue;
    const found = await findFiles([join(root, folder)], extension);
    const hidden = join("docs", "api");
    paths.push(...found.filter((path) => !generated.test(basename(path)) && !relative(root, path).startsWith(hidden)));
  }
  const { texts, skipped } = await readTexts(paths);
  return { text: joinTexts(texts), name: "the package's own source", files: texts.length, skipped };
}

/** The texts of files, folders and standard input (`-`) as one. */
export async function namedText(paths: readonly string[]): Promise<NamedText> {
  const { texts, skipped } = await readTexts(paths);
  return { text: joinTexts(texts), name: paths.map(nameOfPath).join(", "), files: texts.length, skipped };
}
