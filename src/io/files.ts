import { type FileHandle, open, readdir, readFile, realpath, rename, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { DataError, WebGpuRnnError } from "../errors.ts";
import type { Bytes } from "../platform-types.ts";
import { removeAbandoned, temporaryName } from "./temporary-file.ts";
import { decodeUtf8 } from "./utf8.ts";

// Node only: a browser has no paths. Nothing that src/index.ts exports may import this file.

/** A text and where it came from. */
export interface TextFile {
  /** `-` for standard input. */
  readonly path: string;
  readonly text: string;
}

/** A file in a folder of texts that is no text. */
export interface SkippedFile {
  readonly path: string;
  /** Such as "byte 0xff at position 0 is not UTF-8". */
  readonly why: string;
}

/** The path that means standard input, as for `cat`; a file of this name is `./-`. */
export const STANDARD_INPUT = "-";

/** What messages call a path. */
export const nameOfPath = (path: string): string => (path === STANDARD_INPUT ? "standard input" : path);

/**
 * Reads texts. A file that is named is read whatever it is called, and `-` is standard input. A folder is read with all its
 * subfolders in the order of the names' UTF-16 code units, the same on every machine. What is no text in it is skipped and
 * listed: files with a zero byte in the first 8000 (binary, by git's rule), and what is not UTF-8. Skipped without a word are
 * names that start with a dot, `node_modules`, empty files, links to folders, broken links, and what is neither file nor folder.
 *
 * @param paths files and folders
 * @returns the texts in the order of the paths; every path gives at least one, none is empty
 * @throws DataError when a path does not exist or cannot be read, a folder holds no text, or a file that is named is empty,
 *   binary or not UTF-8 (with the byte's position)
 */
export async function readTexts(paths: readonly string[]): Promise<{ texts: TextFile[]; skipped: SkippedFile[] }> {
  if (paths.length === 0) throw new DataError("no path was given: name at least one file or folder with text");
  const texts: TextFile[] = [];
  const skipped: SkippedFile[] = [];
  for (const path of paths) {
    if (path !== STANDARD_INPUT && (await isFolder(path))) {
      const found = await readFolder(path);
      texts.push(...found.texts);
      skipped.push(...found.skipped);
    } else texts.push({ path, text: await readText(path) });
  }
  return { texts, skipped };
}

/**
 * Reads one text.
 * @param path a file, or `-` for standard input
 * @throws DataError when it cannot be read, or is empty, binary or not UTF-8
 */
export async function readText(path: string): Promise<string> {
  const name = nameOfPath(path);
  const text = textOf(path === STANDARD_INPUT ? await readStandardInput() : await readBytes(path), name);
  if (text.length === 0) throw new DataError(`${name}: is empty; give a text`);
  return text;
}

/** All texts as one: each starts on a line of its own; a single text is left as it is. */
export function joinTexts(texts: readonly TextFile[]): string {
  return texts.map(({ text }, i) => (i < texts.length - 1 && !text.endsWith("\n") ? `${text}\n` : text)).join("");
}

/**
 * Lists files: a file that is named as it is, a folder's with all its subfolders' files that have the extension, in the
 * order and with the exceptions of `readTexts` (binary and empty files are listed).
 *
 * @param paths files and folders
 * @param extension with its dot, such as `.safetensors`
 * @param wayOut what to do where a path does not exist; default: check the path
 * @throws DataError when a path does not exist or cannot be read, or a folder has no such file
 */
export async function findFiles(paths: readonly string[], extension: string, wayOut?: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (!(await isFolder(path, wayOut))) {
      found.push(path);
      continue;
    }
    const before = found.length;
    for await (const file of walk(path)) if (extname(file) === extension) found.push(file);
    if (found.length === before) {
      throw new DataError(`${path}: the folder has no ${extension} file; name another folder or a file`);
    }
  }
  return found;
}

/**
 * Reads a whole file.
 * @param wayOut what to do where there is none; default: check the path
 * @throws DataError when it does not exist or cannot be read
 */
export async function readBytes(path: string, wayOut?: string): Promise<Bytes> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause, wayOut);
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  } catch (cause) {
    throw unreadable(nameOfPath(STANDARD_INPUT), cause);
  }
}

/**
 * Writes a file so that, whatever happens, either the old or the new content is there whole: the bytes go to a temporary
 * file in the same folder, to the disk (fsync), and then the temporary file takes the name (rename). A link stays a link,
 * its target is replaced. After an error the old file is untouched and the temporary one is gone; what a process leaves that
 * is killed meanwhile, the next save of the same file removes. What is no ordinary file, such as `/dev/null` or a pipe, is
 * written to directly, and never replaced.
 *
 * @param path the folder must exist
 * @param content bytes, or text that becomes UTF-8
 * @throws WebGpuRnnError with code `WRITE`, when the disk is full, the path is a folder, or the system refuses
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  let temporary: string | undefined;
  try {
    const target = await realpath(path).catch(() => path);
    const old = await stat(target).catch(() => undefined);
    if (old?.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
    if (old && !old.isFile()) return await writeFile(target, bytes);
    await removeAbandoned(target);
    const name = temporaryName(target);
    const file = await open(name, "wx");
    temporary = name;
    try {
      if (old) await file.chmod(old.mode & 0o777).catch(() => undefined); // some file systems have no modes
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    temporary = undefined;
    await syncFolder(dirname(target));
  } catch (cause) {
    if (temporary !== undefined) await unlink(temporary).catch(() => undefined);
    throw new WebGpuRnnError(
      "WRITE",
      `${path}: ${bytes.length} bytes could not be written: ${reason(cause)}; what was there before is untouched`,
      { cause },
    );
  }
}

/** Makes the rename itself last through a power cut, where the system can: Windows cannot open folders. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined;
  try {
    folder = await open(path, "r");
    await folder.sync();
  } catch {
    // The file is whole under its name either way.
  } finally {
    await folder?.close();
  }
}

async function isFolder(path: string, wayOut?: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw unreadable(path, cause, wayOut);
  }
}

/** @throws DataError for what is no text */
function textOf(bytes: Uint8Array, name: string): string {
  if (isBinary(bytes)) {
    throw new DataError(
      `${name}: holds a zero byte at position ${bytes.indexOf(0)}, so it is a binary file or UTF-16; name a text, or save it as UTF-8 (iconv -f UTF-16 -t UTF-8)`,
    );
  }
  return decodeUtf8(bytes, name);
}

async function readFolder(path: string): Promise<{ texts: TextFile[]; skipped: SkippedFile[] }> {
  const texts: TextFile[] = [];
  const skipped: SkippedFile[] = [];
  let seen = 0;
  for await (const file of walk(path)) {
    seen++;
    const bytes = await readBytes(file);
    try {
      const text = textOf(bytes, file);
      if (text.length > 0) texts.push({ path: file, text });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      // Its message is "file: why; way out".
      skipped.push({ path: file, why: error.message.slice(file.length + 2).replace(/;.*/, "") });
    }
  }
  if (texts.length === 0) {
    const [first] = skipped;
    const such = first ? `, such as ${first.path}: ${first.why}` : "";
    throw new DataError(
      `${path}: the folder holds no text (${seen} seen, all of them empty or no UTF-8 text${such}; hidden ones and node_modules are skipped); name another folder or a file`,
    );
  }
  return { texts, skipped };
}

async function* walk(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1)); // by code unit: localeCompare differs between machines
  for (const entry of entries) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() || (entry.isSymbolicLink() && (await isFileLink(path)))) yield path;
  }
}

/** Links to folders are not followed: they may lead round in a circle. */
const isFileLink = (path: string): Promise<boolean> =>
  stat(path).then(
    (target) => target.isFile(),
    () => false,
  );

const isBinary = (bytes: Uint8Array): boolean => bytes.subarray(0, 8000).includes(0);

/** The error for what cannot be read. Making a folder, which `reason` tells those who write, is no way out here. */
function unreadable(path: string, cause: unknown, wayOut = "check the path"): DataError {
  const missing = (cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
  const why = missing ? `there is no such file or folder (ENOENT); ${wayOut}` : reason(cause);
  return new DataError(`${path}: cannot be read: ${why}`, { cause });
}

/** Why the system refused, in words and with what to do about it. */
function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  const known: Record<string, string> = {
    ENOENT: "there is no such file or folder; check the path, or make the folder first",
    ENOTDIR: "a part of the path is a file, not a folder; check the path",
    EACCES: "permission denied; change the permissions or choose another path",
    EPERM: "the system does not permit it; change the permissions or choose another path",
    EROFS: "the file system is read-only; choose another path",
    EISDIR: "it is a folder; name a file",
    ENOSPC: "the disk is full; make room or choose another disk",
    EDQUOT: "the disk quota is used up; make room or choose another disk",
    ENAMETOOLONG: "the name is too long; choose a shorter one",
    ELOOP: "the links lead round in a circle; name the file itself",
    ERR_FS_FILE_TOO_LARGE: "it is larger than Node reads at once (2 GiB); split it",
  };
  const why = known[code];
  return why === undefined ? String((error as Error)?.message ?? error) : `${why} (${code})`;
}
