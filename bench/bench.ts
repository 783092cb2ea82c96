// Every kernel against its twin, then timed; then what users wait for. Times compare within one run only.
import { appendFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Command, Option } from "commander";
import { openDevice } from "../src/adapter/open-device.ts";
import { readVersions } from "../src/cli/versions.ts";
import { GpuBackend } from "../src/gpu/gpu-backend.ts";
import * as library from "../src/node.ts";
import type { Backend } from "../src/plan/backend.ts";
import { WasmBackend } from "../src/wasm/wasm-backend.ts";
import { kernelCases } from "./kernels.ts";
import { inTurns, readyKernel } from "./measure.ts";
import type { Times } from "./rounds.ts";
import { workloadsOf } from "./workloads.ts";

const kinds = ["gpu", "wasm"] as const;
type Kind = (typeof kinds)[number];

interface BenchOptions {
  readonly backend: Kind | "all";
  readonly only: string;
  readonly rounds: number;
  readonly json?: true | string;
}

type Record = Readonly<globalThis.Record<string, unknown>>;

/** The options of `npm run bench` and of the bundled `bench.mjs`. */
export const benchCommand = (): Command =>
  new Command("bench")
    .description(
      "measure the kernels on this machine's adapter and in WebAssembly, each after it was checked, and whole workloads",
    )
    .addOption(new Option("--backend <kind>", "where").choices([...kinds, "all"]).default("all"))
    .option("--only <text>", "what has this in its name", "")
    .option("--rounds <n>", "measurements of each", Number, 7)
    .option("--json [file]", "one record a line, in a file or in place of the text");

/** What the records were measured on. */
async function machineRecord(commit: string | undefined, infos: readonly library.RuntimeInfo[]): Promise<Record> {
  const versions = { ...(commit !== undefined && { commit }), ...(await readVersions()) };
  const processor = { model: cpus()[0]?.model, cores: cpus().length };
  const adapter = infos.find(({ backend }) => backend === "gpu")?.adapter;
  const reasons = Object.fromEntries(infos.map(({ backend, reason }) => [backend, reason]));
  return { type: "machine", date: new Date().toISOString(), versions, processor, adapter, reasons };
}

/** A backend of its own, for kernels alone. */
async function openBackend(kind: Kind): Promise<Backend> {
  if (kind === "wasm") return WasmBackend.open();
  const { device, info } = await openDevice("adapter", { software: true });
  return new GpuBackend(device!, { software: info!.software });
}

/** The runtimes that there are; of all of them, those that cannot be opened are left out. */
async function openRuntimes(wanted: Kind | "all", missing: (line: string) => void): Promise<library.Runtime[]> {
  if (wanted !== "all") return [await library.Runtime.open({ backend: wanted })];
  const runtimes: library.Runtime[] = [];
  for (const backend of kinds) {
    try {
      runtimes.push(await library.Runtime.open({ backend }));
    } catch (error) {
      if (!(error instanceof library.NoAdapterError)) throw error;
      missing(`${backend} is left out: ${error.message}`);
    }
  }
  return runtimes;
}

const shown = (name: string, where: string, { median, least }: Times): string =>
  `${name.padEnd(52)} ${where.padEnd(4)} ${median.toFixed(3).padStart(9)} ms (least ${least.toFixed(3)})`;

/** @param commit of the sources, where the program is not bundled */
export async function bench({ backend, only, rounds, json }: BenchOptions, commit?: string): Promise<void> {
  if (typeof json === "string") writeFileSync(json, "");
  const print = (record: Record, line: string) => {
    if (json !== true) console.log(line);
    else console.log(JSON.stringify(record));
    if (typeof json === "string") appendFileSync(json, `${JSON.stringify(record)}\n`);
  };

  const runtimes = await openRuntimes(backend, (line) => console.error(line));
  const infos = runtimes.map((runtime) => runtime.info());
  print(await machineRecord(commit, infos), infos.map(({ reason }) => reason).join("\n"));
  const where = infos.map(({ backend }) => backend as Kind);

  const backends = await Promise.all(where.map(openBackend));
  const cases = backends.map(({ target }) => kernelCases(target));
  for (const [at, { name, flops }] of cases[0]!.entries()) {
    if (!name.includes(only)) continue;
    const ready = await Promise.all(backends.map((backend, i) => readyKernel(backend, cases[i]![at]!)));
    for (const [i, times] of (await inTurns(ready, rounds)).entries()) {
      const { variant, error, dispose } = ready[i]!;
      const gflops = flops / times.median / 1e6;
      const line = `${shown(name, where[i]!, times)} ${gflops.toFixed(1).padStart(7)} GFLOP/s  error ${error.toExponential(1)}  ${variant}`;
      print({ type: "kernel", backend: where[i], name, variant, ...times, gflops, error }, line);
      dispose();
    }
  }
  for (const backend of backends) backend.dispose();

  for (const { name, tokens, prepare } of workloadsOf(library).filter(({ name }) => name.includes(only))) {
    const ready = await Promise.all(runtimes.map(prepare));
    for (const [i, times] of (await inTurns(ready, rounds)).entries()) {
      const line = `${shown(name, where[i]!, times)} ${Math.round((tokens * 1000) / times.median)} tokens/s`;
      print({ type: "workload", backend: where[i], name, tokens, ...times }, line);
      ready[i]!.dispose();
    }
  }
  for (const runtime of runtimes) runtime.dispose();
}
