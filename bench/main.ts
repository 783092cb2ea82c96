// npm run bench: every kernel against its twin, then timed; then whole training steps. Times compare within one run only.
import { Command } from "commander";
import { openDevice } from "../src/adapter/open-device.ts";
import { GpuBackend } from "../src/gpu/gpu-backend.ts";
import { Runtime } from "../src/node.ts";
import { kernelCases } from "./kernels.ts";
import { timeKernel } from "./measure.ts";
import { timeTraining } from "./training.ts";

const program = new Command("bench")
  .option("--only <text>", "cases whose name contains this", "")
  .option("--rounds <n>", "measurements of each kernel", Number, 7)
  .option("--json", "one record a line")
  .parse();
const { only, rounds, json } = program.opts<{ only: string; rounds: number; json?: boolean }>();

const print = (record: Record<string, string | number>, line: string) =>
  console.log(json ? JSON.stringify(record) : line);

const { device, info, reason } = await openDevice("adapter");
if (!device || !info) throw new Error(`there is no adapter to measure: ${reason}`);
print(
  { adapter: info.description, date: new Date().toISOString(), node: process.version },
  `${info.description} (${reason})`,
);

const gpu = new GpuBackend(device, { software: info.software });
for (const test of kernelCases(gpu.target).filter(({ name }) => name.includes(only))) {
  const timing = await timeKernel(gpu, test, { rounds });
  const { name, median, least, gflops, error, variant } = timing;
  const line = `${name.padEnd(36)} ${median.toFixed(3).padStart(9)} ms (least ${least.toFixed(3)}) ${gflops.toFixed(1).padStart(7)} GFLOP/s  error ${error.toExponential(1)}  ${variant}`;
  print({ ...timing }, line);
}
gpu.dispose();

const runtime = await Runtime.open({ backend: "gpu" });
for (const cell of ["lstm", "gru", "rnn_tanh"] as const) {
  if (!`train ${cell}`.includes(only)) continue;
  const timing = await timeTraining(runtime, cell);
  print(
    { ...timing },
    `${timing.name.padEnd(36)} ${timing.medianMs.toFixed(1).padStart(9)} ms a step, ${Math.round(timing.tokensPerSecond)} tokens/s, ${timing.dispatches} dispatches`,
  );
}
runtime.dispose();
