import { execFileSync } from "node:child_process";

/** The commit of a checkout, with "+" for changes that are not committed; undefined where git does not tell. */
export function commitOf(folder: string): string | undefined {
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return git("rev-parse", "HEAD") + (git("status", "--porcelain") === "" ? "" : "+");
  } catch {
    return undefined;
  }
}
