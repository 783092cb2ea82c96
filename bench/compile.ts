/**
 * What each pipeline of a plan takes to compile where the driver has none in its cache. Drivers compile when a pipeline is made, or
 * when it is first used, so both are timed: each pipeline runs alone, twice, and the second run is taken from the first.
 */
import { openDevice } from "../src/adapter/open-device.ts";
import { GpuBackend } from "../src/gpu/gpu-backend.ts";
import { Generator } from "../src/infer/generate.ts";
import { Weights } from "../src/nn/weights.ts";
import { adam, CharModel } from "../src/node.ts";
import { commandsOf, type Dispatch, type Plan } from "../src/plan/plan.ts";
import { Trainer } from "../src/train/trainer.ts";

/** Mesa's and NVIDIA's drivers keep compiled shaders on disk unless these say otherwise. */
const withoutCache = { MESA_SHADER_CACHE_DISABLE: "true", __GL_SHADER_DISK_CACHE: "0" };

interface Compiled {
  readonly pipeline: string;
  /** Milliseconds of making the pipeline. */
  readonly made: number;
  /** Milliseconds of its first run more than of its second one. */
  readonly used: number;
}

/** One dispatch for each pipeline of a plan. */
function pipelinesOf(plan: Plan): Map<string, Dispatch> {
  const dispatches = commandsOf(plan).filter((command) => command.type === "dispatch");
  const name = ({ kernel, cell, constants }: Dispatch) =>
    [kernel + (cell ? `<${cell}>` : ""), ...Object.entries(constants).map(([key, value]) => `${key}=${value}`)].join(
      " ",
    );
  return new Map(dispatches.reverse().map((command) => [name(command), command] as const));
}

async function compile(backend: GpuBackend, plan: Plan): Promise<Compiled[]> {
  const compiled: Compiled[] = [];
  // Numbers do not matter here, only that all memory is there.
  const buffers = plan.buffers.map(
    ({ name, dtype, length }, i) => ({ name: `${i} ${name}`, dtype, length, role: "input" }) as const,
  );
  for (const [pipeline, command] of pipelinesOf(plan)) {
    const times = [performance.now()];
    const loaded = await backend.load({ name: pipeline, buffers, commands: [command] });
    times.push(performance.now());
    for (let run = 0; run < 2; run++) {
      loaded.run();
      await backend.device.queue.onSubmittedWorkDone();
      times.push(performance.now());
    }
    const [begin, made, first, second] = times as [number, number, number, number];
    compiled.push({ pipeline, made: made - begin, used: Math.max(0, first - made - (second - first)) });
    loaded.dispose();
  }
  return compiled;
}

/** Prints what the pipelines of a character model's training step and of its text take, the longest first. */
export async function printCompileTimes(): Promise<void> {
  Object.assign(process.env, withoutCache);
  const { device, info } = await openDevice("adapter", { software: true });
  const backend = new GpuBackend(device!, { software: info!.software });
  const weights = new Weights(backend, new CharModel({ vocabSize: 96, hiddenSize: 128 }), 0);
  const trainer = new Trainer(backend, weights, { optimizer: adam(), clipNorm: 1 });
  const plans = [await trainer.plan({ T: 32, B: 16 }), new Generator(backend, weights).plan(8)];
  for (const [i, plan] of plans.entries()) {
    const compiled = (await compile(backend, plan)).sort((a, b) => b.made + b.used - a.made - a.used);
    const sum = compiled.reduce((total, { made, used }) => total + made + used, 0);
    console.log(
      `${i === 0 ? "a training step" : "generated text"}: ${compiled.length} pipelines, ${sum.toFixed(0)} ms`,
    );
    console.log("  made ms  first run ms");
    for (const { pipeline, made, used } of compiled)
      console.log(`${made.toFixed(0).padStart(9)} ${used.toFixed(0).padStart(13)}  ${pipeline}`);
  }
  backend.dispose();
}
