/**
 * SwiftShader, a Vulkan driver that runs on the CPU, from the npm package @sparticuz/chromium: nothing but
 * `npm ci` is then needed for a working adapter. Node only; Linux on x86-64 only, as the package is.
 */
import { randomUUID } from "node:crypto";
import { access, chmod, lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { filesOfArchive } from "./tar.ts";

const swiftShaderPackage = "@sparticuz/chromium";

export interface SwiftShader {
  /** The file for VK_DRIVER_FILES. */
  readonly driver: string;
  /** A Vulkan loader, libvulkan.so.1, for systems that have none. */
  readonly loader: string;
}

const driverFile = "vk_swiftshader_icd.json";
const loaderFile = "libvulkan.so.1";
/** The archive also holds OpenGL libraries, which are not wanted here. */
const wanted: readonly string[] = [driverFile, loaderFile, "libvk_swiftshader.so"];

const runsHere = process.platform === "linux" && process.arch === "x64";

/** Whether the package is installed where its driver runs. */
export const hasSwiftShader = async (): Promise<boolean> =>
  runsHere &&
  (await findPackage().then(
    () => true,
    () => false,
  ));

/**
 * Unpacks the driver into the user's cache folder, once for each version of the package.
 * @throws Error whose message is the end of a sentence that says why there is no SwiftShader
 */
export async function unpackSwiftShader(env: NodeJS.ProcessEnv = process.env): Promise<SwiftShader> {
  if (!runsHere) {
    throw new Error(
      `${swiftShaderPackage} has it for Linux on x64 only, and this is ${process.platform} on ${process.arch}`,
    );
  }
  const { folder: source, version } = await findPackage();
  const folder = join(await cacheFolder(env), `swiftshader-${version}`);
  if (!(await isComplete(folder))) await unpack(join(source, "bin", "swiftshader.tar.br"), folder);
  return { driver: join(folder, driverFile), loader: join(folder, loaderFile) };
}

/** Where the package lies, and its version. */
export async function findPackage(): Promise<{ folder: string; version: string }> {
  const main = resolvePackage(import.meta.url) ?? resolvePackage(join(process.cwd(), "package.json"));
  if (main === undefined)
    throw new Error(`${swiftShaderPackage} is not installed (npm install ${swiftShaderPackage}@147.0.0)`);
  // The package exports its main file only, so that its own folder is found by walking up.
  for (let folder = dirname(main); folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, "package.json"), "utf8").catch(() => "{}");
    const { name, version } = JSON.parse(text) as { name?: string; version?: string };
    if (name === swiftShaderPackage && version !== undefined) return { folder, version };
  }
  throw new Error(`${swiftShaderPackage} has no package.json above ${main}`);
}

function resolvePackage(from: string): string | undefined {
  try {
    return createRequire(from).resolve(swiftShaderPackage);
  } catch {
    return undefined;
  }
}

/** A folder that this user alone can write to: what lies there is loaded as code. */
export async function cacheFolder(env: NodeJS.ProcessEnv): Promise<string> {
  const home = env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(homedir(), ".cache");
  const folders = [join(home, "webgpu-rnn"), join(tmpdir(), `webgpu-rnn-${process.getuid?.() ?? "user"}`)];
  const refusals: string[] = [];
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { uid, mode } = await lstat(folder).then((stat) =>
        stat.isDirectory() ? stat : Promise.reject(new Error("it is no folder")),
      );
      if (process.getuid && uid !== process.getuid()) throw new Error("it belongs to another user");
      if ((mode & 0o022) !== 0) throw new Error("other users may write to it");
      const probe = join(folder, `.${randomUUID()}`);
      await writeFile(probe, "");
      await rm(probe);
      return folder;
    } catch (error) {
      refusals.push(`${folder}: ${(error as Error).message}`);
    }
  }
  throw new Error(`there is no folder to unpack it into (${refusals.join("; ")})`);
}

async function isComplete(folder: string): Promise<boolean> {
  const checks = await Promise.allSettled(wanted.map((name) => access(join(folder, name))));
  return checks.every((check) => check.status === "fulfilled");
}

async function unpack(archive: string, folder: string): Promise<void> {
  await placeFolder(folder, isComplete, async (unfinished) => {
    for (const { name, data } of await filesOfArchive(archive)) {
      if (!wanted.includes(name)) continue;
      await writeFile(join(unfinished, name), data);
      await chmod(join(unfinished, name), 0o500);
    }
    if (!(await isComplete(unfinished))) throw new Error(`${archive} does not hold ${wanted.join(", ")}`);
  });
}

/** Fills a folder beside its place and renames it, so that no process ever sees half of it. */
export async function placeFolder(
  folder: string,
  isComplete: (folder: string) => Promise<boolean>,
  fill: (unfinished: string) => Promise<void>,
): Promise<void> {
  const unfinished = `${folder}.${randomUUID()}`;
  await mkdir(unfinished, { mode: 0o700 });
  try {
    await fill(unfinished);
    try {
      await rename(unfinished, folder);
    } catch (error) {
      // Another process was faster, or a cleaner of temporary files took a part of it.
      if (await isComplete(folder)) return;
      if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      await rm(folder, { recursive: true, force: true });
      await rename(unfinished, folder);
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
