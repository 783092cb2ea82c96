/** `explain`: the plan of a model on paper; nothing runs. */
import { type Command, Option } from "commander";
import { CharModel, type CharModelCell, type CharModelOptions, charModelCells } from "../char-model/char-model.ts";
import { readCheckpoint } from "../char-model/checkpoint.ts";
import type { TrainingSettings } from "../char-model/settings.ts";
import { InternalError, NoAdapterError, OptionError } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { inputTensor } from "../graph/tensor.ts";
import { logitsOf, traceStateful } from "../graph/trace.ts";
import { readBytes } from "../io/files.ts";
import { type HardwareClass, hardwareClass } from "../kernels/hardware-model.ts";
import { parameterCount } from "../nn/module.ts";
import { Weights } from "../nn/weights.ts";
import { printPlan, Runtime, showBytes } from "../node.ts";
import { openBackend } from "../open-backend.ts";
import type { Backend, DeviceBuffer, Owner, RunsOf } from "../plan/backend.ts";
import { countPlan } from "../plan/count-plan.ts";
import {
  type BufferSpec,
  defaultTarget,
  hostTarget,
  type Plan,
  type Command as PlanCommand,
  type Target,
  type VariantChoice,
} from "../plan/plan.ts";
import { PlanBudget } from "../plan/plan-budget.ts";
import { bytesOf } from "../tensor-data.ts";
import { makeOptimizer, type OptimizerSpec, optimizerNames } from "../train/specs.ts";
import { Trainer } from "../train/trainer.ts";
import { whole } from "./arguments.ts";
import { tunedOption } from "./backend.ts";
import { showChoices, withPredictions } from "./choices.ts";
import { terminalOf, wrap } from "./terminal.ts";

/** Knows its limits and nothing else: plans are made for it and never run, so that no GPU and no memory is needed. */
class PaperBackend implements Backend {
  readonly kind = "gpu";
  readonly target: Target;
  readonly budget = new PlanBudget();
  readonly allocations = [];
  readonly lost = new Promise<never>(() => {});

  constructor(target: Target) {
    this.target = target;
  }

  allocate(spec: BufferSpec, owner: Owner): DeviceBuffer {
    return { ...spec, owner, bytes: 0, version: 0 };
  }

  free(): void {}

  write(): void {}

  read(): never {
    throw new InternalError("a plan on paper has no numbers");
  }

  load(): never {
    throw new InternalError("a plan on paper cannot be run");
  }

  dispose(): void {}
}

/**
 * The plan of a model on one window: forward, or a whole training step.
 * @throws LimitError when it does not fit the target
 */
export async function planOf(
  model: CharModel,
  { T, B, target, optimizer }: { T: number; B: number; target: Target; optimizer?: OptimizerSpec },
): Promise<Plan> {
  const backend = new PaperBackend(target);
  const weights = new Weights(backend, model, 0);
  if (optimizer)
    return new Trainer(backend, weights, { optimizer: makeOptimizer(optimizer), carryState: true }).plan({ T, B });
  const { outputs, states } = traceStateful(model, inputTensor("x", [T, B], "i32"), { carry: true });
  const logits = logitsOf(model, outputs);
  return buildPlan({
    name: "forward",
    target,
    layout: weights.layout,
    outputs: { logits },
    carries: states.flatMap(({ parts }) => parts),
  });
}

/** What a plan is for. */
interface Machine {
  readonly target: Target;
  readonly hardware: HardwareClass;
  /** Which adapter, where one was asked for. */
  readonly name?: string;
  readonly runs?: RunsOf | undefined;
}

async function machineOf({ backend, limits, tuned }: ExplainOptions): Promise<Machine> {
  if (backend === "gpu")
    return limits === "adapter" ? adapterTarget(tuned) : { target: defaultTarget, hardware: "discrete" };
  if (limits === "adapter") throw new OptionError("explain: --limits adapter is only of use with --backend gpu");
  const { runs } = await Runtime.open({ backend });
  return { target: hostTarget, hardware: "software", runs };
}

/** What this machine's adapter allows, as the scheduler sees it. @param tuned with what `webgpu-rnn tune` kept for it */
async function adapterTarget(tuned: boolean): Promise<Machine> {
  const { backend, info } = await openBackend({ backend: "gpu", ...(tuned && { tuned: "kept" }) }).catch((cause) => {
    if (!(cause instanceof NoAdapterError)) throw cause;
    throw new NoAdapterError("explain: this machine has no adapter (info says why); leave out --limits adapter", {
      cause,
    });
  });
  const { adapter } = info;
  const name = adapter!.description || adapter!.device || "this machine's adapter";
  backend.dispose();
  return { target: backend.target, hardware: hardwareClass(adapter!), name };
}

interface ExplainOptions {
  readonly steps?: number;
  readonly batch?: number;
  readonly train?: true;
  readonly backend: "gpu" | "wasm";
  readonly limits: "default" | "adapter";
  readonly optimizer?: OptimizerSpec["name"];
  readonly cell?: CharModelCell;
  readonly vocabSize?: number;
  readonly embeddingDim?: number;
  readonly hiddenSize?: number;
  readonly layers?: number;
  readonly tuned: boolean;
  readonly json?: true;
}

/** The model's sizes: those of a file, or those that the options say. */
async function describedModel(
  path: string | undefined,
  { cell, vocabSize, embeddingDim, hiddenSize, layers: numLayers }: ExplainOptions,
): Promise<{ config: CharModelOptions; training?: TrainingSettings }> {
  const sizes = Object.entries({ cell, embeddingDim, hiddenSize, numLayers }).filter(
    ([, value]) => value !== undefined,
  );
  if (path === undefined) return { config: { vocabSize: vocabSize ?? 96, ...Object.fromEntries(sizes) } };
  if (sizes.length > 0 || vocabSize !== undefined) {
    const given = [...sizes.map(([name]) => name), ...(vocabSize === undefined ? [] : ["vocabSize"])].join(", ");
    throw new OptionError(`explain: ${path} says what the model is; leave out ${given}, or the file`);
  }
  const { config, progress } = readCheckpoint(
    await readBytes(path, "check the path, or leave it out and give the sizes"),
    path,
  );
  return { config, ...(progress && { training: progress.training }) };
}

async function explain(path: string | undefined, options: ExplainOptions): Promise<void> {
  const { line } = terminalOf(process.stdout);
  const { config, training } = await describedModel(path, options);
  if (options.optimizer !== undefined && !options.train)
    throw new OptionError("explain: --optimizer is only of use with --train");
  const machine = await machineOf(options);
  const { target, name, runs } = machine;
  const T = options.steps ?? training?.window ?? 64;
  const B = options.batch ?? training?.batch ?? 32;
  const optimizer: OptimizerSpec = options.optimizer
    ? { name: options.optimizer }
    : (training?.optimizer ?? { name: "adam" });
  const model = new CharModel(config);
  const asked: VariantChoice[] = [];
  const asking: Target = { ...target, onChoice: (choice) => asked.push(choice) };
  const plan = await planOf(model, { T, B, target: asking, ...(options.train && { optimizer }) });
  const choices = options.backend === "gpu" ? withPredictions(asked, machine.hardware) : [];
  if (options.json) {
    const { backend } = options;
    const setting = { T, B, optimizer: options.train ? optimizer : null, backend, adapter: name ?? null, target };
    const chosen = choices.map((choice) => ({ type: "choice", hardware: machine.hardware, ...choice }));
    for (const record of recordsOf(model, plan, setting, { runs, chosen })) line(JSON.stringify(record));
    return;
  }
  const { vocabSize, cell, embeddingDim, hiddenSize, numLayers } = model.options;
  const sizes = `V ${vocabSize}, E ${embeddingDim}, H ${hiddenSize}, L ${numLayers}, ${parameterCount(model)} parameters`;
  const work = options.train ? `one training step with ${optimizer.name}` : "forward";
  line(wrap(`${cell}, ${sizes}; ${work} on T ${T}, B ${B}`, 80));
  line(wrap(describe(options, machine), 80));
  line(`\n${printPlan(plan, { runs })}`);
  if (choices.length > 0) line(`\n${showChoices(choices, machine.hardware).join("\n")}`);
}

function describe({ backend }: ExplainOptions, { target, name }: Machine): string {
  if (backend === "wasm") return "for WebAssembly: native, or left to the kernel's twin";
  const machine = name === undefined ? "assumed: WebGPU's default limits on a hardware GPU" : `for ${name}`;
  const limits = `at most ${showBytes(target.maxBufferSize)} in a buffer and ${target.maxWorkgroups} workgroups along an axis`;
  return `${machine}, ${limits}${name === undefined ? " (--limits adapter: those of this machine)" : ""}`;
}

/** What was planned, then every buffer and command in order (views name buffers by their number), choices, then the totals. */
function* recordsOf(
  model: CharModel,
  plan: Plan,
  setting: object,
  { runs, chosen }: { readonly runs: RunsOf | undefined; readonly chosen: readonly object[] },
): Generator<object> {
  const { options: config } = model;
  yield { type: "plan", name: plan.name, config, parameters: parameterCount(model), ...setting };
  for (const [index, { name, role, dtype, length }] of plan.buffers.entries())
    yield { type: "buffer", index, name, role, dtype, length, bytes: length * bytesOf(dtype) };
  const recordOf = (when: string, command: PlanCommand) => {
    const { type, ...rest } = command;
    const way = runs?.(command);
    return { type, when, ...rest, ...(way && { runs: way }) };
  };
  for (const { commands } of plan.derivations ?? [])
    for (const command of commands) yield recordOf("weights changed", command);
  for (const command of plan.commands) yield recordOf("every replay", command);
  yield* chosen;
  yield { type: "totals", ...countPlan(plan) };
}

/** Adds the command to the command line. */
export function register(program: Command): void {
  program
    .command("explain")
    .description("print what would run: buffers, commands with their grids, totals; needs no GPU")
    .argument("[model]", "a checkpoint (.safetensors); without one, a model of the sizes below")
    .option("--steps <T>", "time steps (default: the checkpoint's window, or 64)", whole())
    .option("--batch <B>", "rows (default: the checkpoint's, or 32)", whole())
    .option("--train", "a whole training step instead of forward alone")
    .addOption(
      new Option("--optimizer <name>", "with --train (default: the checkpoint's, or adam)").choices(optimizerNames),
    )
    .addOption(
      new Option("--backend <which>", "plan for a GPU or for WebAssembly").choices(["gpu", "wasm"]).default("gpu"),
    )
    .addOption(new Option("--limits <which>", "on a GPU: plan for").choices(["default", "adapter"]).default("default"))
    .addOption(tunedOption())
    .addOption(new Option("--cell <name>", "without a checkpoint: the cell").choices(charModelCells))
    .option("--vocab-size <V>", "without a checkpoint: how many characters (default: 96)", whole())
    .option("--embedding-dim <E>", "without a checkpoint: length of a character's vector", whole())
    .option("--hidden-size <H>", "without a checkpoint: units of a layer", whole())
    .option("--layers <L>", "without a checkpoint: layers on top of each other", whole())
    .option("--json", "print one JSON record per line, for scripts")
    .action(explain);
}
