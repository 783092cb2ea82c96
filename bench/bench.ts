// Every kernel against its twin, then timed; then what users wait for. Times compare within one run only.
import { appendFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Command, Option } from "commander";
import { openDevice } from "../src/adapter/open-device.ts";
import { whole } from "../src/cli/arguments.ts";
import { readVersions } from "../src/cli/versions.ts";
import { GpuBackend } from "../src/gpu/gpu-backend.ts";
import * as library from "../src/node.ts";
import type { Backend } from "../src/plan/backend.ts";
import { WasmBackend } from "../src/wasm/wasm-backend.ts";
import { kernelCases } from "./kernels.ts";
import { bytesOf, inTurns, type ReadyKernel, readyKernel } from "./measure.ts";
import type { Times } from "./rounds.ts";
import { allVariants, subjectsOf } from "./variants.ts";
import { workloadsOf } from "./workloads.ts";

const kinds = ["gpu", "wasm"] as const;
type Kind = (typeof kinds)[number];

interface BenchOptions {
  readonly backend: Kind | "all";
  readonly only: string;
  readonly rounds: number;
  readonly json?: true | string;
  readonly variants?: true;
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
    .option("--rounds <n>", "measurements of each", whole(), 7)
    .option("--json [file]", "one record a line, in a file or in place of the text")
    .option(
      "--variants",
      "instead: every kernel in every variant that the GPU runs; long where pipelines compile slowly",
    );

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

/** Prints records as lines or as JSON, and keeps them in a file where one is named. */
function printer(json: BenchOptions["json"]) {
  if (typeof json === "string") writeFileSync(json, "");
  return (record: Record, line: string) => {
    if (json !== true) console.log(line);
    else console.log(JSON.stringify(record));
    if (typeof json === "string") appendFileSync(json, `${JSON.stringify(record)}\n`);
  };
}

/** A variant that was measured, beside the one that is taken for the shape. */
interface Measured {
  readonly name: string;
  readonly variant: string;
  readonly isChosen: boolean;
  readonly times: Times;
  readonly gflops: number;
  readonly gigabytes: number;
}

/** Every kernel in every variant that the GPU runs, each case's variants in turns. */
async function benchVariants({ only, rounds, json }: BenchOptions, commit: string | undefined): Promise<void> {
  const print = printer(json);
  const runtime = await library.Runtime.open({ backend: "gpu" });
  const info = runtime.info();
  runtime.dispose();
  print(await machineRecord(commit, [info]), info.reason);
  const backend = await openBackend("gpu");
  const all: Measured[] = [];
  const chosen = (await subjectsOf(backend.target)).filter(({ name }) => name.includes(only));
  refuseNothing(chosen.length, only);
  for (const subject of chosen) {
    const { name } = subject;
    const cases = await allVariants(subject, backend.target);
    const ready: ReadyKernel[] = [];
    try {
      for (const one of cases) ready.push(await readyKernel(backend, one));
    } catch (error) {
      // What is wrong is told and not timed; the others are.
      print({ type: "refused", name, error: String(error) }, String(error));
      process.exitCode = 1;
      for (const one of ready) one.dispose();
      continue;
    }
    const rows = (await inTurns(ready, rounds)).map((times, i): Measured => {
      const [test, { variant }] = [cases[i]!, ready[i]!];
      const gigabytes = bytesOf(test) / times.least / 1e6;
      return { name, variant, isChosen: i === 0, times, gflops: test.flops / times.least / 1e6, gigabytes };
    });
    for (const one of ready) one.dispose();
    for (const { variant, isChosen, times } of rows)
      console.error(`${shown(name, isChosen ? "gpu*" : "gpu", times)}  ${variant}`);
    all.push(...rows);
  }
  backend.dispose();
  // Of the fastest case and of the copy: what this adapter is known to reach.
  const fastest = Math.max(...all.map((one) => one.gflops));
  const copy = all.find(({ name }) => name.startsWith("copy of "))?.gigabytes ?? Number.NaN;
  for (const { name, variant, isChosen, times, gflops, gigabytes } of all) {
    const shares = { ofFastest: gflops / fastest || 0, ofCopy: gigabytes / copy };
    // A choice of cases may leave out the copy.
    const percent = (share: number) => (Number.isNaN(share) ? "     " : `${(100 * share).toFixed(0).padStart(3)} %`);
    const line = `${shown(name, isChosen ? "gpu*" : "gpu", times)} ${gflops.toFixed(1).padStart(7)} GFLOP/s ${percent(shares.ofFastest)} ${gigabytes.toFixed(2).padStart(7)} GB/s ${percent(shares.ofCopy)}  ${variant}`;
    print({ type: "variant", name, variant, isChosen, ...times, gflops, gigabytes, ...shares }, line);
  }
}

/** A choice of nothing must not pass for a run. */
function refuseNothing(chosen: number, only: string): void {
  if (chosen > 0) return;
  console.error(`bench: nothing has "${only}" in its name`);
  process.exitCode = 1;
}

/** @param commit of the sources, where the program is not bundled */
export async function bench(options: BenchOptions, commit?: string): Promise<void> {
  if (options.variants) return benchVariants(options, commit);
  const { backend, only, rounds, json } = options;
  const print = printer(json);
  const runtimes = await openRuntimes(backend, (line) => console.error(line));
  const infos = runtimes.map((runtime) => runtime.info());
  print(await machineRecord(commit, infos), infos.map(({ reason }) => reason).join("\n"));
  const where = infos.map(({ backend }) => backend as Kind);

  const backends = await Promise.all(where.map(openBackend));
  const cases = backends.map(({ target }) => kernelCases().map((make) => make(target)));
  const chosen = [...cases[0]!.entries()].filter(([, { name }]) => name.includes(only));
  const workloads = workloadsOf(library).filter(({ name }) => name.includes(only));
  refuseNothing(chosen.length + workloads.length, only);
  for (const [at, { name, flops }] of chosen) {
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

  for (const { name, tokens, prepare } of workloads) {
    const ready = await Promise.all(runtimes.map(prepare));
    for (const [i, times] of (await inTurns(ready, rounds)).entries()) {
      const line = `${shown(name, where[i]!, times)} ${Math.round((tokens * 1000) / times.median)} tokens/s`;
      print({ type: "workload", backend: where[i], name, tokens, ...times }, line);
      ready[i]!.dispose();
    }
  }
  for (const runtime of runtimes) runtime.dispose();
}
