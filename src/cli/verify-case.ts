/** Runs a parity case on a backend and measures how far apart the numbers are. */

import { CharModel, type CharModelCell } from "../char-model/char-model.ts";
import type { Batch } from "../data/batch.ts";
import { InternalError } from "../errors.ts";
import type { InputSpecs } from "../infer/program.ts";
import { GRU } from "../nn/gru.ts";
import { LSTM } from "../nn/lstm.ts";
import type { Recurrent, RecurrentState } from "../nn/recurrent.ts";
import type { RecurrentOptions } from "../nn/recurrent-options.ts";
import { RNN } from "../nn/rnn.ts";
import type { Runtime } from "../runtime.ts";
import type { StateDict, TensorData } from "../tensor-data.ts";
import type { ParityCase, SequenceFields, TrainFields } from "./parity-case.ts";

/** What a tensor of a case is, which decides how close it must come. */
export type Aspect = "forward" | "gradient" | "history" | "final";

/** One tensor of one case on one backend, at the element that comes closest to its bound or passes it furthest. */
export interface TensorResult {
  /** Without the leading `expected.`. */
  readonly name: string;
  readonly aspect: Aspect;
  readonly error: number;
  readonly bound: number;
  readonly element: number;
  readonly ok: boolean;
}

/** How far an element may be off, from what is expected of it and the tensor's largest expected size. */
type Bound = (expected: number, largest: number) => number;

/** docs/cases.md, "Tolerances". */
const float32: Readonly<Record<Aspect, Bound>> = {
  forward: (expected) => 1e-5 + 1e-5 * Math.abs(expected),
  gradient: (_, largest) => 1e-4 * largest,
  history: (expected) => 1e-3 * Math.abs(expected),
  final: () => 1e-3,
};
export const bounds: Readonly<Record<"gpu" | "wasm" | "cpu", Readonly<Record<Aspect, Bound>>>> = {
  gpu: float32,
  wasm: float32,
  cpu: { forward: () => 1e-9, gradient: () => 1e-9, history: () => 1e-9, final: () => 1e-9 },
};

/** Compares element by element; a number that is not finite is never within a bound. */
export function compare(
  { name, aspect, actual, expected }: { name: string; aspect: Aspect; actual: TensorData; expected: TensorData },
  bound: Bound,
): TensorResult {
  if (actual.data.length !== expected.data.length)
    throw new InternalError(`${name} has ${actual.data.length} values, expected ${expected.data.length}`);
  let largest = 0;
  for (const value of expected.data) largest = Math.max(largest, Math.abs(value));
  let worst: TensorResult | undefined;
  let worstShare = -1;
  for (const [element, value] of expected.data.entries()) {
    const error = Math.abs(actual.data[element]! - value);
    const allowed = bound(value, largest);
    const share = error === 0 ? 0 : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / allowed;
    if (share <= worstShare) continue;
    worstShare = share;
    worst = { name, aspect, error, bound: allowed, element, ok: error <= allowed }; // NaN is not
  }
  if (!worst) throw new InternalError(`${name} is empty`);
  return worst;
}

const layersOf: Readonly<Record<CharModelCell, (options: RecurrentOptions, projSize: number) => unknown>> = {
  lstm: (options, projSize) => new LSTM({ ...options, projSize }),
  gru: (options) => new GRU(options),
  rnn_tanh: (options) => new RNN(options),
  rnn_relu: (options) => new RNN({ ...options, nonlinearity: "relu" }),
};

/** The tensors whose names start with the prefix, without it. */
const under = (tensors: StateDict, prefix: string): StateDict =>
  Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );

async function runSequence(runtime: Runtime, fields: SequenceFields, tensors: StateDict): Promise<StateDict> {
  const { cell, B, inputSize, hiddenSize, numLayers, bias, bidirectional, projSize, lengths } = fields;
  const options = { inputSize, hiddenSize, numLayers, bias, bidirectional };
  // A model by itself: its parameters then have PyTorch's names without a prefix, as in the case.
  const model = layersOf[cell](options, projSize) as Recurrent<RecurrentState>;
  runtime.loadStateDict(model, under(tensors, "weight."));
  const given = under(tensors, "input.");
  const states = Object.keys(given).filter((name) => name !== "x");
  const outputs = Object.keys(under(tensors, "gradout."));
  const inputs: InputSpecs = {
    ...Object.fromEntries(Object.entries(given).map(([name, { shape }]) => [name, { shape }])),
    ...(lengths && { lengths: { shape: [B], dtype: "i32" } }),
  };
  const program = await runtime.compile(model, {
    inputs,
    forward: ({ x, ...others }) => {
      const initial = Object.fromEntries(states.map((name) => [name.slice(0, -1), others[name]!]));
      const real = others.lengths && { lengths: others.lengths };
      const { output, state } = model.forward(x!, states.length > 0 ? initial : undefined, real);
      return { y: output, ...Object.fromEntries(Object.entries(state).map(([name, value]) => [`${name}n`, value])) };
    },
    seeds: outputs,
    gradients: Object.keys(given),
    parameterGradients: true,
  });
  try {
    const seeds = outputs.map((name) => [`gradient.${name}`, tensors[`gradout.${name}`]!]);
    const real = lengths && { lengths: { shape: [B], data: Int32Array.from(lengths) } };
    return await program.run({ ...given, ...Object.fromEntries(seeds), ...real });
  } finally {
    program.dispose();
  }
}

function* windows({ T, B, steps }: TrainFields, tokens: TensorData): Generator<Batch> {
  const rows = (from: number): TensorData => ({
    shape: [T, B],
    data: (tokens.data as Int32Array).slice(from * B, (from + T) * B),
  });
  for (let step = 0; step < steps; step++) yield { x: rows(step * T), target: rows(step * T + 1) };
}

async function runTraining(runtime: Runtime, fields: TrainFields, tensors: StateDict): Promise<StateDict> {
  const { cell, vocabSize, embeddingSize, hiddenSize, numLayers, optimizer, clipGradNorm } = fields;
  const model = new CharModel({ vocabSize, cell, embeddingDim: embeddingSize, hiddenSize, numLayers });
  runtime.loadStateDict(model, under(tensors, "weight."));
  const trainer = runtime.trainer(model, {
    optimizer,
    carryState: true,
    ...(clipGradNorm === null ? {} : { clipNorm: clipGradNorm }),
  });
  try {
    const losses: number[] = [];
    const gradNorms: number[] = [];
    for await (const { loss, gradNorm } of trainer.fit(windows(fields, tensors["input.tokens"]!))) {
      losses.push(loss);
      gradNorms.push(gradNorm);
    }
    const final = Object.entries(await runtime.stateDict(model));
    return {
      losses: { shape: [losses.length], data: Float64Array.from(losses) },
      gradNorms: { shape: [gradNorms.length], data: Float64Array.from(gradNorms) },
      ...Object.fromEntries(final.map(([name, tensor]) => [`final.${name}`, tensor])),
    };
  } finally {
    trainer.dispose();
  }
}

const aspectOf = (kind: ParityCase["fields"]["kind"], name: string): Aspect => {
  if (kind === "sequence") return name.startsWith("grad.") ? "gradient" : "forward";
  return name.startsWith("final.") ? "final" : "history";
};

/**
 * Runs a case and compares every tensor that is expected.
 * @throws WebGpuRnnError when the case cannot be run: a limit, a token out of range
 */
export async function runCase(runtime: Runtime, { fields, tensors }: ParityCase): Promise<TensorResult[]> {
  const actual =
    fields.kind === "sequence"
      ? await runSequence(runtime, fields, tensors)
      : await runTraining(runtime, fields, tensors);
  return Object.entries(under(tensors, "expected.")).map(([name, expected]) => {
    const aspect = aspectOf(fields.kind, name);
    const found = actual[name];
    if (!found) throw new InternalError(`nothing was computed for ${name}`);
    return compare({ name, aspect, actual: found, expected }, bounds[runtime.backend][aspect]);
  });
}
