import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { realpath, stat, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { WebGpuRnnError } from "../errors.ts";
import { quoted, UsageError } from "./terminal.ts";

/** A name that no file has yet: model.safetensors, model-2.safetensors, … */
export function freshPath(extension = "safetensors"): string {
  for (let i = 1; ; i++) {
    const path = `model${i === 1 ? "" : `-${i}`}.${extension}`;
    if (!existsSync(path)) return path;
  }
}

/**
 * Refuses to replace a file that a training does not go on with. A pipe or a device is written to, not replaced.
 * @param resumed the checkpoint that the training goes on with; null for what does not go on with any
 * @throws UsageError with the ways out
 */
export async function checkNotReplaced(path: string, resumed: string | undefined | null): Promise<void> {
  const old = await stat(path).catch(() => undefined);
  if (!old?.isFile()) return;
  if (typeof resumed === "string" && (await realPath(path)) === (await realPath(resumed))) return;
  const goOn = resumed === null ? "" : `go on with it (--resume ${quoted(path)}), `;
  throw new UsageError(
    `${path}: is there already and would be replaced; ${goOn}choose another name with --out, or replace it with --force`,
  );
}

const realPath = (path: string): Promise<string> => realpath(path).catch(() => path);

/**
 * Finds out before hours of training whether a file could be written as `writeFileAtomic` does it: a file beside it is
 * made and taken away again. What is at the path already is not touched.
 * @throws WebGpuRnnError with code `WRITE`
 */
export async function checkWritable(path: string): Promise<void> {
  const refuse = (why: string, cause?: unknown) =>
    new WebGpuRnnError("WRITE", `${path}: cannot be written: ${why}; choose another place with --out`, { cause });
  const target = await realPath(path);
  const old = await stat(target).catch(() => undefined);
  if (old?.isDirectory()) throw refuse("it is a folder");
  if (old && !old.isFile()) return; // a pipe or a device
  const folder = dirname(target);
  const probe = join(folder, `.${randomUUID()}.${basename(target)}.tmp`);
  try {
    await writeFile(probe, "", { flag: "wx" });
    await unlink(probe);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    const known: Record<string, string> = {
      ENOENT: `the folder ${folder} does not exist`,
      ENOTDIR: `${folder} is not a folder`,
      EACCES: `permission denied in ${folder}`,
      EPERM: `permission denied in ${folder}`,
      EROFS: "the file system is read-only",
      ENOSPC: "the disk is full",
      ENAMETOOLONG: "the name is too long",
    };
    throw refuse(known[code] ?? String((cause as Error).message ?? cause), cause);
  }
}
