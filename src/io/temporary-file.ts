import { createHash, randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { readdir, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

// A temporary file is `.<file>.<machine>-<process>-<random>.tmp`: hidden, so that readers of the folder skip it, and with the
// process that writes it, so that a later save knows which ones nobody writes any more.

/** Tells machines that share a folder apart, and containers, whose processes have numbers of their own. */
const machine = createHash("sha256")
  .update(hostname() + processNumbers())
  .digest("hex")
  .slice(0, 8);

function processNumbers(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return ""; // only Linux has this
  }
}

/** A new name beside a file. */
export const temporaryName = (file: string): string =>
  join(dirname(file), `.${basename(file)}.${machine}-${process.pid}-${randomBytes(4).toString("hex")}.tmp`);

/** Removes temporary files of this file whose process was killed. What cannot be found out or removed stays. */
export async function removeAbandoned(file: string): Promise<void> {
  const start = `.${basename(file)}.${machine}-`;
  for (const name of await readdir(dirname(file)).catch(() => [])) {
    const process = name.startsWith(start) && /^(\d+)-[0-9a-f]{8}\.tmp$/.exec(name.slice(start.length))?.[1];
    const path = join(dirname(file), name);
    if (process && (await isAbandoned(path, Number(process)))) await unlink(path).catch(() => undefined);
  }
}

async function isAbandoned(path: string, writer: number): Promise<boolean> {
  if (writer !== process.pid) return !isRunning(writer);
  // An earlier process had this one's number, as the only process of a container always has.
  const started = Date.now() - process.uptime() * 1000;
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs < started - 1000,
    () => false,
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // one of another user may not be asked
  }
}
