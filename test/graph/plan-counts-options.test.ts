/** What every option of a recurrent layer adds to a plan, exactly: no option costs a dispatch per step but two. */
import "../support/all-commands.ts";
import { describe, expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { countPlan, GRU, LSTM, RNN } from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import type { Recurrent } from "../../src/nn/recurrent.ts";
import { Weights } from "../../src/nn/weights.ts";

const B = 2;
const I = 6;
const makers = {
  LSTM: (options: object) => new LSTM({ inputSize: I, hiddenSize: 8, ...options }) as unknown as Recurrent,
  GRU: (options: object) => new GRU({ inputSize: I, hiddenSize: 8, ...options }) as unknown as Recurrent,
  RNN: (options: object) => new RNN({ inputSize: I, hiddenSize: 8, ...options }) as unknown as Recurrent,
};
type Kind = keyof typeof makers;
const all = Object.keys(makers) as Kind[];
const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;
const states = { LSTM: 2, GRU: 1, RNN: 1 } as const;

interface Given {
  readonly lengths?: boolean;
  readonly mask?: boolean;
  readonly tokens?: boolean;
  /** Traced with noise. */
  readonly noise?: boolean;
}

type Counts = Readonly<Record<string, number>>;

/** Dispatches of a layer by kernel; with gradients by everything, or forward only. */
async function countsOf(kind: Kind, T: number, options: object, given: Given, gradients: boolean): Promise<Counts> {
  const layer = makers[kind](options);
  const backend = new CpuBackend();
  const integers = (shape: readonly number[]) => ({ shape, dtype: "i32" }) as const;
  const program = await Program.compile(backend, new Weights(backend, layer, 0), {
    inputs: {
      x: given.tokens ? integers([T, B]) : { shape: [T, B, I] },
      ...(given.lengths && { lengths: integers([B]) }),
      ...(given.mask && { mask: integers([T, B]) }),
    },
    forward({ x, lengths, mask }) {
      const real = { ...(lengths && { lengths }), ...(mask && { mask }) };
      return { output: layer.forward(x!, undefined, real).output };
    },
    training: given.noise ?? false,
    ...(gradients && { seeds: ["output"], gradients: given.tokens ? [] : ["x"], parameterGradients: true }),
  });
  return countPlan(program.plan).perKernel;
}

function difference(less: Counts, more: Counts): Counts {
  const names = new Set([...Object.keys(less), ...Object.keys(more)]);
  const counts = [...names].map((name) => [name, (more[name] ?? 0) - (less[name] ?? 0)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count !== 0));
}

/** Dispatches by kernel in plans of T steps and L layers of this kind. */
type Adds = (sizes: { readonly T: number; readonly L: number; readonly kind: Kind }) => Counts;

interface Row {
  readonly name: string;
  readonly kinds?: readonly Kind[];
  readonly options?: object;
  /** What it is compared with. */
  readonly than?: object;
  readonly given?: Given;
  readonly layers?: readonly number[];
  readonly forward: Adds;
  /** What the backward pass adds besides. */
  readonly backward: Adds;
}

const nothing: Adds = () => ({});
const free = (name: string, options: object, more: Partial<Row> = {}): Row => ({
  name,
  options,
  forward: nothing,
  backward: nothing,
  ...more,
});
const masked: Adds = ({ L }) => ({ "mask-rows": L });
const lengths: Adds = ({ L }) => ({ "sequence-mask": 1, "mask-rows": L });
const between: Adds = ({ L }) => ({ dropout: L - 1 });
/** One sum for all learned vectors of a layer. */
const own: Adds = ({ L }) => ({ "column-sums": L });
/** Two slices and what makes them one. */
const merged: Adds = ({ L }) => ({ "strided-copy": 2 * L, pointwise: L });
const noise = { noise: true };
const bidirectional = true;

const rows: readonly Row[] = [
  { name: "lengths", given: { lengths: true }, forward: lengths, backward: nothing },
  { name: "a mask", given: { mask: true }, forward: masked, backward: nothing },
  { name: "lengths and a mask", given: { lengths: true, mask: true }, forward: lengths, backward: nothing },
  {
    name: "lengths whose outputs are held",
    options: { maskedOutput: "hold" },
    given: { lengths: true },
    forward: () => ({ "sequence-mask": 1 }),
    backward: nothing,
  },
  {
    name: "lengths in both directions",
    options: { bidirectional },
    given: { lengths: true },
    forward: lengths,
    backward: nothing,
  },
  free("recurrent dropout", { recurrentDropout: 0.2 }, { given: noise }),
  free("zoneout in training", { zoneout: 0.2 }, { given: noise }),
  free("zoneout's expectation", { zoneout: { h: 0.2 } }),
  free("recurrent dropout and zoneout together", { recurrentDropout: 0.2, zoneout: 0.1 }, { given: noise }),
  {
    name: "dropout between layers",
    options: { dropout: 0.2 },
    given: noise,
    layers: [2, 3],
    forward: between,
    backward: between,
  },
  {
    name: "variational dropout between layers",
    options: { variationalDropout: 0.2 },
    given: noise,
    layers: [2, 3],
    forward: between,
    backward: between,
  },
  free("dropout outside of training", { dropout: 0.2, recurrentDropout: 0.2 }, { layers: [2] }),
  {
    name: "residual connections",
    options: { residual: true },
    layers: [2, 3],
    forward: ({ L }) => ({ pointwise: L - 1 }),
    backward: ({ L }) => ({ pointwise: L - 1 }),
  },
  free("layers of different sizes", { hiddenSize: [8, 4] }, { than: { numLayers: 2 }, layers: [0] }),
  free("no biases", { bias: false }),
  free("running backwards", { goBackwards: true }),
  free("both directions", { bidirectional }, { than: {} }),
  {
    name: "their sum",
    options: { bidirectional, merge: "sum" },
    than: { bidirectional },
    forward: merged,
    backward: merged,
  },
  {
    name: "their average",
    options: { bidirectional, merge: "average" },
    than: { bidirectional },
    forward: merged,
    backward: ({ L }) => ({ "strided-copy": 2 * L, pointwise: 2 * L }),
  },
  {
    name: "their product",
    options: { bidirectional, merge: "product" },
    than: { bidirectional },
    forward: merged,
    backward: ({ L }) => ({ "strided-copy": 2 * L, pointwise: 2 * L }),
  },
  {
    name: "both apart",
    options: { bidirectional, merge: "none" },
    than: { bidirectional },
    layers: [1],
    forward: () => ({ "strided-copy": 2 }),
    backward: () => ({ "strided-copy": 2 }),
  },
  {
    // The gradients of R's blocks are a product for each gate.
    name: "heads",
    options: { numHeads: 2 },
    forward: nothing,
    backward: ({ L, kind }) => ({ matmul: L * (gates[kind] - 1) }),
  },
  {
    name: "learned initial states",
    options: { learnedInitialState: true },
    // One copy to all rows for each state, and one dispatch that puts them into their slots.
    forward: ({ L, kind }) => ({ "strided-copy": L * states[kind], "recurrent-initial": L }),
    // R's share of the first step, and the sum over rows.
    backward: ({ L, kind }) => ({ "recurrent-backward": L, "column-sums": L * states[kind] }),
  },
  {
    name: "tokens",
    given: { tokens: true },
    layers: [1],
    forward: () => ({ matmul: -1, "column-gather": 1 }),
    // No gradient by x; that by W is a scatter, and the one by b_ih a sum.
    backward: () => ({ matmul: -2, "group-tokens": 1, "column-scatter": 1, "column-sums": 1 }),
  },
  free("a clip", { clip: 1 }),
  free("other activations", { activations: { gate: "HardSigmoid" } }, { kinds: ["LSTM", "GRU"] }),
  free(
    "another nonlinearity in each direction",
    { bidirectional, nonlinearity: ["Elu", "Softsign"] },
    { kinds: ["RNN"] },
  ),
  { name: "layer norm", kinds: ["LSTM", "GRU"], options: { layerNorm: true }, forward: nothing, backward: own },
  { name: "peepholes", kinds: ["LSTM"], options: { peepholes: true }, forward: nothing, backward: own },
  {
    name: "peepholes and layer norm",
    kinds: ["LSTM"],
    options: { peepholes: true, layerNorm: true },
    forward: nothing,
    backward: own,
  },
  free("coupled gates", { coupledGates: true }, { kinds: ["LSTM"] }),
  free("a clip of c", { cellClip: 1 }, { kinds: ["LSTM"] }),
  free("a forget bias", { forgetBias: 1 }, { kinds: ["LSTM"] }),
  {
    // One dispatch more in each step, and the gradient of W_hr.
    name: "a projection",
    kinds: ["LSTM"],
    options: { projSize: 4 },
    forward: ({ T, L }) => ({ "recurrent-project": L * T }),
    backward: ({ T, L }) => ({ "recurrent-project-backward": L * T, matmul: L }),
  },
  {
    // One dispatch more in each step; R's gradient is one product for r and z and one for n.
    name: "reset before",
    kinds: ["GRU"],
    options: { resetAfter: false },
    forward: ({ T, L }) => ({ "recurrent-forward": L * T }),
    backward: ({ T, L }) => ({ "recurrent-intermediate-backward": L * T, matmul: L }),
  },
];

function sum(...counts: readonly Counts[]): Counts {
  const names = new Set(counts.flatMap((one) => Object.keys(one)));
  const sums = [...names].map((name) => [name, counts.reduce((total, one) => total + (one[name] ?? 0), 0)] as const);
  return Object.fromEntries(sums.filter(([, count]) => count !== 0));
}

describe.each(rows.map((row) => [row.name, row] as const))("%s", (_, row) => {
  const { kinds = all, options = {}, given = {}, layers = [1, 2], forward, backward } = row;
  // What an option adds does not depend on the directions.
  const { than = "bidirectional" in options ? { bidirectional } : {} } = row;

  test.each(kinds)("adds nothing else to a plan of %s", async (kind) => {
    for (const L of layers) {
      // Sizes of layers that the options state themselves.
      const stacked = L === 0 ? {} : { numLayers: L };
      for (const T of [1, 7]) {
        const added = async (gradients: boolean) =>
          difference(
            await countsOf(kind, T, { ...stacked, ...than }, {}, gradients),
            await countsOf(kind, T, { ...stacked, ...options }, given, gradients),
          );
        const sizes = { T, L, kind };
        expect(await added(false), `forward, T ${T}, L ${L}`).toEqual(forward(sizes));
        expect(await added(true), `training, T ${T}, L ${L}`).toEqual(sum(forward(sizes), backward(sizes)));
      }
    }
  });
});

test.each(all)("in both directions, backward takes no more steps than in one: %s", async (kind) => {
  const counts = await countsOf(kind, 5, { bidirectional }, {}, true);
  expect([counts["recurrent-forward"], counts["recurrent-backward"]]).toEqual([5, 5]);
});
