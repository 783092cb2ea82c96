// Every kernel against its twin, then timed; then what users wait for. Times compare within one run only.
import { appendFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { openDevice } from "../src/adapter/open-device.ts";
import { readVersions } from "../src/cli/versions.ts";
import { GpuBackend } from "../src/gpu/gpu-backend.ts";
import * as library from "../src/node.ts";
import { kernelCases } from "./kernels.ts";
import { timeKernel } from "./measure.ts";
import { type Measured, measureWorkload, workloadsOf } from "./workloads.ts";

interface BenchOptions {
  readonly only: string;
  readonly rounds: number;
  readonly json?: true | string;
}

type Record = Readonly<globalThis.Record<string, unknown>>;

/** The options of `npm run bench` and of the bundled `bench.mjs`. */
export const benchCommand = (): Command =>
  new Command("bench")
    .description("measure the kernels of this machine's adapter, each after it was checked, and whole workloads")
    .option("--only <text>", "what has this in its name", "")
    .option("--rounds <n>", "measurements of each", Number, 7)
    .option("--json [file]", "one record a line, in a file or in place of the text");

/** What the records were measured on. */
export async function machineRecord(commit: string | undefined, info: library.RuntimeInfo): Promise<Record> {
  const { adapter, reason } = info;
  const versions = { ...(commit !== undefined && { commit }), ...(await readVersions()) };
  return { type: "machine", date: new Date().toISOString(), versions, adapter, reason };
}

export const showWorkload = ({ name, median, least, tokens }: Measured): string =>
  `${name.padEnd(52)} ${median.toFixed(3).padStart(9)} ms (least ${least.toFixed(3)}) ${Math.round((tokens * 1000) / median)} tokens/s`;

/** @param commit of the sources, where the program is not bundled */
export async function bench({ only, rounds, json }: BenchOptions, commit?: string): Promise<void> {
  if (typeof json === "string") writeFileSync(json, "");
  const print = (record: Record, line: string) => {
    if (json !== true) console.log(line);
    else console.log(JSON.stringify(record));
    if (typeof json === "string") appendFileSync(json, `${JSON.stringify(record)}\n`);
  };

  const runtime = await library.Runtime.open({ backend: "gpu" });
  const info = runtime.info();
  print(await machineRecord(commit, info), info.reason);

  const { device, info: adapter } = await openDevice("adapter", { software: true });
  const gpu = new GpuBackend(device!, { software: adapter!.software });
  for (const test of kernelCases(gpu.target).filter(({ name }) => name.includes(only))) {
    const timing = await timeKernel(gpu, test, { rounds });
    const { name, median, least, gflops, error, variant } = timing;
    const line = `${name.padEnd(36)} ${median.toFixed(3).padStart(9)} ms (least ${least.toFixed(3)}) ${gflops.toFixed(1).padStart(7)} GFLOP/s  error ${error.toExponential(1)}  ${variant}`;
    print({ type: "kernel", ...timing }, line);
  }
  gpu.dispose();

  for (const workload of workloadsOf(library).filter(({ name }) => name.includes(only))) {
    const measured = await measureWorkload(runtime, workload, rounds);
    print({ type: "workload", ...measured }, showWorkload(measured));
  }
  runtime.dispose();
}
