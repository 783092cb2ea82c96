import { CpuBackend } from "../src/cpu/cpu-backend.ts";
import { holdInactive } from "../src/graph/ops/mask.ts";
import { BeamSearcher } from "../src/infer/beam-search.ts";
import { Generator } from "../src/infer/generate.ts";
import { Program, type ProgramOptions } from "../src/infer/program.ts";
import { loadOnDemand } from "../src/load-on-demand.ts";
import { Weights } from "../src/nn/weights.ts";
import * as library from "../src/node.ts";
import type { Plan, Target } from "../src/plan/plan.ts";

// Plans of which every kernel can be taken, at sizes that people use: T 64, B 32, 128 units, 96 characters.

const { functional: f } = library;
type Tensor = library.Tensor;

/** Makes a plan for a machine, with the variants that its target says. */
export type PlanMaker = (target: Target) => Promise<Plan>;

const [T, B, H, V] = [64, 32, 128, 96];
const shapes = { inputSize: H, hiddenSize: H };

/** Plans are made for the target, and run nowhere. */
class Planner extends CpuBackend {
  override readonly target: Target;
  constructor(target: Target) {
    super();
    this.target = target;
  }
}

type Inputs = Readonly<Record<string, { readonly shape: readonly number[]; readonly dtype?: "i32" }>>;
type Forward = (inputs: Readonly<Record<string, Tensor>>) => Tensor;
type Options = Partial<Pick<ProgramOptions, "seeds" | "gradients" | "parameterGradients" | "training" | "weightDtype">>;

const all: Options = { seeds: ["y"], parameterGradients: true, training: true };

/** A model's function of inputs, with the gradients by all weights where options say nothing else. */
const compiled =
  (model: library.Module, inputs: Inputs, forward: Forward, options: Options = all): PlanMaker =>
  async (target) => {
    const backend = new Planner(target);
    const weights = new Weights(backend, model, 0);
    const program = await Program.compile(backend, weights, {
      inputs,
      forward: (given) => ({ y: forward(given) }),
      ...options,
    });
    program.dispose();
    return program.plan;
  };

class Functions extends library.Module {
  forward(): void {}
}

/** A function of tensors, with its gradients by some inputs. */
const computed = (inputs: Inputs, forward: Forward, ...gradients: string[]): PlanMaker =>
  compiled(new Functions(), inputs, forward, gradients.length > 0 ? { seeds: ["y"], gradients } : {});

/** A recurrent layer over sequences of several lengths; a dispatch of one step is the same for any number of them. */
const layered = (layer: unknown, options: Options = all, steps = 8): PlanMaker =>
  compiled(
    layer as library.Module,
    { x: { shape: [steps, B, H] }, lengths: { shape: [B], dtype: "i32" } },
    ({ x, lengths }) => (layer as library.LSTM).forward(x!, undefined, { lengths: lengths! }).output,
    options,
  );

const characters = () => new library.CharModel({ vocabSize: V, cell: "lstm", embeddingDim: H / 2, hiddenSize: H });

/** A chunk of what makes text of the character model. */
const decoded =
  (plan: (backend: Planner, weights: Weights) => Plan): PlanMaker =>
  async (target) => {
    await loadOnDemand();
    const backend = new Planner(target);
    return plan(backend, new Weights(backend, characters(), 0));
  };

/** A training step of the character model. */
const trained =
  (options: library.TrainerOptions): PlanMaker =>
  async (target) => {
    const runtime = await library.Runtime.open({ backend: "cpu" });
    const plan = await runtime.trainer(characters(), { clipNorm: 1, ...options }).plan({ T, B }, target);
    runtime.dispose();
    return plan;
  };

/** A training step of a layer whose labels are at no known steps. */
class Unaligned extends library.Module {
  rnn = new library.GRU(shapes);
  head = new library.Linear({ inFeatures: H, outFeatures: V });
  forward(x: Tensor) {
    return { logits: this.head.forward(this.rnn.forward(x).output) };
  }
}
const unaligned: PlanMaker = async (target) => {
  const runtime = await library.Runtime.open({ backend: "cpu" });
  const trainer = runtime.trainer(new Unaligned(), {
    optimizer: library.adam(),
    loss: ({ logits }: { logits: Tensor }, target: Tensor) => library.ctc().apply(logits, target),
  } as never);
  const labels = { shape: [B, 20], data: Int32Array.from({ length: 20 * B }, (_, i) => 1 + (i % (V - 1))) };
  const plan = await trainer.plan({ x: { ...x, data: new Float32Array(T * B * H) }, target: labels }, target);
  runtime.dispose();
  return plan;
};

const x = { shape: [T, B, H] };
const square = { shape: [T * B, H] };
const tokens = { shape: [T, B], dtype: "i32" } as const;
const norm = new library.LayerNorm({ normalizedShape: H });
const oneHot = new library.LSTM({ inputSize: V, hiddenSize: H });
const dropout = new library.Dropout({ p: 0.1 });
const attention = new library.AdditiveAttention({ querySize: H, hiddenSize: H });

/** By what they are. A kernel is taken from the first one that has it. */
export const planMakers: Readonly<Record<string, PlanMaker>> = {
  ...Object.fromEntries(
    library.optimizerNames.map((name) => [
      `a training step with ${name}`,
      trained({ optimizer: library.makeOptimizer({ name } as library.OptimizerSpec) }),
    ]),
  ),
  "a training step with averages": trained({ optimizer: library.adam(), ema: { decay: 0.99 } }),
  "LSTM with a projection and noise": layered(
    new library.LSTM({ ...shapes, projSize: H / 2, zoneout: 0.1, recurrentDropout: 0.1 }),
  ),
  "LSTM in both directions": layered(new library.LSTM({ ...shapes, bidirectional: true })),
  "LSTM of two layers": layered(new library.LSTM({ ...shapes, hiddenSize: 2 * H, numLayers: 2 })),
  "GRU that resets before": layered(new library.GRU({ ...shapes, resetAfter: false })),
  "LSTM as f16": layered(new library.LSTM({ ...shapes, projSize: H / 2 }), { ...all, weightDtype: "f16" }),
  "GRU that resets before, as f16": layered(new library.GRU({ ...shapes, resetAfter: false }), {
    ...all,
    weightDtype: "f16",
  }),
  "LSTM as int8": layered(new library.LSTM(shapes), { weightDtype: "int8" }),
  MinGRU: layered(new library.MinGRU(shapes), all, T),
  attention: compiled(
    attention,
    { x, query: x, lengths: { shape: [B], dtype: "i32" } },
    (given) => attention.forward(given.query!, given.x!, { lengths: given.lengths! }).context,
  ),
  "layer normalisation": compiled(norm, { x }, (given) => norm.forward(given.x!), { ...all, gradients: ["x"] }),
  dropout: compiled(dropout, { x }, (given) => dropout.forward(given.x!), {
    seeds: ["y"],
    gradients: ["x"],
    training: true,
  }),
  "mean of the steps": computed(
    { x, lengths: { shape: [B], dtype: "i32" } },
    (given) => f.meanPool(given.x!, { lengths: given.lengths! }),
    "x",
  ),
  convolution: computed(
    { x: { shape: [B, H, T] }, w: { shape: [H, H, 3] } },
    (given) => f.conv1d(given.x!, given.w!),
    "x",
    "w",
  ),
  gather: computed(
    { x: square, index: { shape: [T * B, 4], dtype: "i32" } },
    (given) => f.gather(given.x!, given.index!),
    "x",
  ),
  rows: computed(
    { x: square, index: { shape: [T], dtype: "i32" } },
    (given) => f.indexSelect(given.x!, given.index!),
    "x",
  ),
  "the largest four": computed({ x: square }, (given) => f.topK(given.x!, 4).values),
  "running sums": computed({ x: square }, (given) => f.cumSum(given.x!), "x"),
  "sums of columns": computed({ x: square, b: { shape: [H] } }, (given) => f.mul(given.x!, given.b!), "x", "b"),
  "squared errors": computed(
    { x: square, target: square },
    (given) => library.mse().apply(given.x!, given.target!).loss,
    "x",
  ),
  "states of streams that wait": computed(
    { x: { shape: [1, B, H] }, old: { shape: [1, B, H] }, steps: { shape: [B], dtype: "i32" } },
    (given) => holdInactive("held", given.x!, given.old!, given.steps!),
  ),
  "LSTM of tokens": compiled(oneHot, { tokens }, (given) => oneHot.forward(given.tokens!).output),
  "labels at no known steps": unaligned,
  "text, token after token": decoded((backend, weights) => new Generator(backend, weights).plan(8)),
  "the likeliest texts": decoded((backend, weights) => new BeamSearcher(backend, weights).plan(8, 8).plan),
  embedding: computed({ index: tokens, w: { shape: [V, H] } }, (given) => f.embedding(given.index!, given.w!), "w"),
};
