import { homedir } from "node:os";
import { join } from "node:path";

// Node only: a browser has no paths. Nothing that src/index.ts exports may import this file.

/**
 * Where this user's programs keep what can be made again: XDG_CACHE_HOME or ~/.cache on Linux and elsewhere, LOCALAPPDATA on Windows,
 * ~/Library/Caches on macOS; there in a folder of this package. A variable XDG_CACHE_HOME holds on every system.
 */
export function cacheFolder(
  { XDG_CACHE_HOME, LOCALAPPDATA }: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const usual =
    platform === "win32"
      ? LOCALAPPDATA || join(homedir(), "AppData", "Local")
      : join(homedir(), ...(platform === "darwin" ? ["Library", "Caches"] : [".cache"]));
  return join(XDG_CACHE_HOME || usual, "webgpu-rnn");
}
