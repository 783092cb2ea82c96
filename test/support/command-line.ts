/** Runs the command line in this process. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { run } from "../../src/cli/program.ts";
import type { TrainRecord } from "../../src/cli/train-records.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param args as a shell would pass them, without the program's name */
export async function commandLine(...args: string[]): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      written[name] += text;
      return true;
    }),
  );
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await run(args);
    return { code: Number(process.exitCode ?? 0), ...written };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

/** `train`, with its records where `--json` asks for them. */
export async function train(...args: string[]): Promise<Ran & { records: TrainRecord[] }> {
  const ran = await commandLine("train", ...args);
  const lines = args.includes("--json") ? ran.stdout.split("\n").filter(Boolean) : [];
  return { ...ran, records: lines.map((line) => JSON.parse(line) as TrainRecord) };
}

/** The records of one kind. */
export const of = <K extends TrainRecord["type"]>(records: readonly TrainRecord[], type: K) =>
  records.filter((record): record is Extract<TrainRecord, { type: K }> => record.type === type);

export const losses = (records: readonly TrainRecord[]) => of(records, "step").map(({ loss }) => loss);

export const rhyme = "if (tick) {\n  tock();\n}\n고양이 야옹\n".repeat(30);

/** A model that learns the rhyme in a second. */
export const small = "--hidden-size 24 --embedding-dim 8 --window 8 --batch 4 --lr 0.02 --json".split(" ");

/** A folder that is there for one test. */
export function temporaryFolder(): { folder: () => string; at: (name: string) => string } {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "webgpu-rnn-cli-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  return { folder: () => folder, at: (name) => join(folder, name) };
}
