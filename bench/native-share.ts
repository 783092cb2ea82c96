/**
 * What the kernels of a model take on WebAssembly, and whether they are native or left to their twins: which native is missing
 * most. The models are those of the README: a character model's training and text, and every program of demo/examples.
 */
import { readFileSync } from "node:fs";
import { adam, CharModel, Runtime, type RuntimeOptions } from "../src/node.ts";
import type { Command } from "../src/plan/plan.ts";
import { WasmBackend } from "../src/wasm/wasm-backend.ts";

interface Spent {
  /** `native`, `twin`, or nothing for copies and clears. */
  readonly way: string;
  times: number;
  ms: number;
}

/** Has every step of the backend add its time to `spent`, by kernel and way. Gives back what ends it. */
function watchSteps(spent: Map<string, Spent>): () => void {
  const { step } = WasmBackend.prototype;
  WasmBackend.prototype.step = function (command, buffers) {
    const run = step.call(this, command, buffers);
    const way = this.runs(command) ?? "";
    const key = `${kernelOf(command).padEnd(32)} ${way}`;
    const sum = spent.get(key) ?? { way, times: 0, ms: 0 };
    spent.set(key, sum);
    return () => {
      const before = performance.now();
      run();
      sum.ms += performance.now() - before;
      sum.times++;
    };
  };
  return () => {
    WasmBackend.prototype.step = step;
  };
}

const kernelOf = (command: Command): string =>
  command.type === "dispatch" ? command.kernel + (command.cell ? `<${command.cell}>` : "") : command.type;

const V = 96;
const tokens = (T: number, B: number, shift: number) => ({
  shape: [T, B],
  data: Int32Array.from({ length: T * B }, (_, i) => (i * i + shift) % V),
});

/** What is measured; each gets runtimes on WebAssembly from `Runtime.open`. */
const models: Readonly<Record<string, () => Promise<unknown>>> = {
  "character model, training": async () => {
    const runtime = await Runtime.open();
    const trainer = runtime.trainer(new CharModel({ vocabSize: V }), { optimizer: adam(), clipNorm: 1 });
    await trainer.fit(Array(10).fill({ x: tokens(64, 32, 0), target: tokens(64, 32, 1) }));
  },
  "character model, text": async () => {
    const runtime = await Runtime.open();
    const options = { prompt: [1, 2, 3], length: 500, temperature: 0.8 };
    for await (const _ of runtime.generate(new CharModel({ vocabSize: V }), options));
  },
};
const folder = new URL("../demo/examples/", import.meta.url);
const examples: Readonly<Record<string, () => Promise<{ main(...given: never[]): Promise<number> }>>> = {
  classifier: () => import("../demo/examples/classifier.ts"),
  forecaster: () => import("../demo/examples/forecaster.ts"),
  translator: () => import("../demo/examples/translator.ts"),
  streaming: () => import("../demo/examples/streaming.ts"),
  "from-pytorch": () => import("../demo/examples/from-pytorch.ts"),
  pairs: () => import("../demo/examples/pairs.ts"),
  writer: () => import("../demo/examples/writer.ts"),
  resume: () => import("../demo/examples/resume.ts"),
};
for (const [name, load] of Object.entries(examples))
  Object.assign(models, {
    [`examples/${name}`]: async () => {
      const { main } = await load();
      const file = name === "from-pytorch" ? [readFileSync(new URL("sentiment.safetensors", folder))] : [];
      await main(...([() => {}, ...file] as never[]));
    },
  });

const percent = (share: number) => `${(100 * share).toFixed(1)} %`.padStart(7);

/** Runs every model and prints a table of each. */
export async function printNativeShare(): Promise<void> {
  const { open } = Runtime;
  Runtime.open = (options: RuntimeOptions = {}) => open.call(Runtime, { ...options, backend: "wasm" });
  for (const [name, run] of Object.entries(models)) {
    const spent = new Map<string, Spent>();
    const end = watchSteps(spent);
    await run();
    end();
    const all = [...spent].sort(([, a], [, b]) => b.ms - a.ms);
    const total = all.reduce((sum, [, { ms }]) => sum + ms, 0);
    const byTwins = all.reduce((sum, [, { way, ms }]) => sum + (way === "twin" ? ms : 0), 0);
    console.log(`\n${name}: ${percent(1 - byTwins / total).trim()} of ${total.toFixed(0)} ms are native`);
    for (const [key, { times, ms }] of all)
      if (ms >= 0.001 * total)
        console.log(`  ${key.padEnd(40)} ${percent(ms / total)} ${ms.toFixed(1).padStart(9)} ms ${times} times`);
  }
  Runtime.open = open;
}
