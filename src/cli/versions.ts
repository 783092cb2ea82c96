/** What ran: for `info`, for `verify --json` and for the benchmark's records. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "./default-text.ts";

export interface Versions {
  readonly "webgpu-rnn": string;
  /** The commit that the program was bundled from (`npm run bench -- --bundle`), where that is known. */
  readonly commit?: string;
  readonly node: string;
  readonly platform: string;
  /** The npm package that brings Dawn; null when it is not installed. */
  readonly webgpu: string | null;
}

/** Written in by bench/bundle.ts: a program that is one file has no package.json beside it. */
declare const BUNDLED_FROM: { readonly version: string; readonly commit?: string } | undefined;
const bundled = typeof BUNDLED_FROM === "undefined" ? undefined : BUNDLED_FROM;

const versionIn = (json: string): string => (JSON.parse(json) as { version: string }).version;

/** The version of this package. */
export const ownVersion = (): string =>
  bundled?.version ?? versionIn(readFileSync(join(packageRoot, "package.json"), "utf8"));

export async function readVersions(): Promise<Versions> {
  let webgpu: string | null = null;
  try {
    webgpu = versionIn(await readFile(createRequire(import.meta.url).resolve("webgpu/package.json"), "utf8"));
  } catch {
    // An optional peer: candidates say that it is not there.
  }
  return {
    "webgpu-rnn": ownVersion(),
    ...(bundled?.commit !== undefined && { commit: bundled.commit }),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    webgpu,
  };
}
