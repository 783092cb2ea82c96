/**
 * Keras's own tests of LSTM, GRU, SimpleRNN and Bidirectional: masks with holes, both directions, both bias forms, states
 * that are given, returned and kept from call to call, merge modes.
 *
 * Tolerances: atol + rtol * |expected| of each case, 1e-5 or 1e-6 each, as in the file.
 *
 * Keras's options that choose how to compute and not what (`implementation`, `unroll`) are passed over.
 */
import { expect } from "vitest";
import { importWeights, type Runtime, type StateDict, type TensorData } from "../../src/index.ts";
import { expectClose, mixed } from "./close.ts";
import { integersOf, type Layer, runLayer, tensorOf } from "./run-layer.ts";
import { describeSuite } from "./vectors.ts";

interface KerasTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: readonly (number | boolean)[];
}

type Constant = { readonly constant: number };

interface LayerConfig {
  readonly class: "LSTM" | "GRU" | "SimpleRNN";
  readonly units: number;
  readonly kernel_initializer: Constant;
  readonly recurrent_initializer: Constant;
  readonly bias_initializer: Constant;
  readonly use_bias?: boolean;
  readonly unit_forget_bias?: boolean;
  readonly reset_after?: boolean;
  readonly go_backwards?: boolean;
  readonly return_sequences?: boolean;
  readonly return_state?: boolean;
  readonly stateful?: boolean;
  readonly zero_output_for_mask?: boolean;
}

interface BidirectionalConfig {
  readonly class: "Bidirectional";
  readonly layer: LayerConfig;
  readonly backward_layer?: LayerConfig;
  readonly merge_mode?: "concat" | "sum" | "mul" | "ave" | null;
}

interface Call {
  readonly inputs: KerasTensor;
  readonly mask?: KerasTensor;
  readonly initial_state?: KerasTensor | readonly KerasTensor[];
}

interface Case {
  readonly test: string;
  readonly layer: LayerConfig | BidirectionalConfig;
  readonly calls: readonly (Call | "reset_state")[];
  /** `["out", k]` is the k-th of the outputs, a number the row of a batch. */
  readonly select: readonly (number | readonly ["out", number])[];
  readonly expected: KerasTensor;
  readonly atol: number;
  readonly rtol: number;
}

const cells = { LSTM: "lstm", GRU: "gru", SimpleRNN: "rnn" } as const;
const merges = { concat: "concat", sum: "sum", mul: "product", ave: "average", none: "none" } as const;

/** The weights of Keras's constant initializers, by Keras's names. */
function kerasWeights(config: LayerConfig, inputs: number): StateDict {
  const { units: H, kernel_initializer, recurrent_initializer, bias_initializer, reset_after = true } = config;
  const rows = { LSTM: 4, GRU: 3, SimpleRNN: 1 }[config.class] * H;
  const filled = (shape: number[], { constant }: Constant) =>
    tensorOf(shape, Array(shape.reduce((a, b) => a * b, 1)).fill(constant));
  const bias = filled(config.class === "GRU" && reset_after ? [2, rows] : [rows], bias_initializer);
  if (config.class === "LSTM" && config.unit_forget_bias !== false) bias.data.fill(1, H, 2 * H);
  return {
    kernel: filled([inputs, rows], kernel_initializer),
    recurrent_kernel: filled([H, rows], recurrent_initializer),
    ...(config.use_bias !== false && { bias }),
  };
}

/** What the case's layer is with us, without what a call brings. */
function layerOf(given: Case["layer"], inputs: number): Omit<Layer, "x"> {
  const bidirectional = given.class === "Bidirectional";
  const config = bidirectional ? given.layer : given;
  const cell = cells[config.class];
  const { merge_mode = "concat", backward_layer = config } = bidirectional ? given : {};
  const prefixed = (name: string, weights: StateDict) =>
    Object.fromEntries(Object.entries(weights).map(([key, tensor]) => [`${name}/${key}`, tensor]));
  const weights = bidirectional
    ? {
        ...prefixed("forward_layer", kerasWeights(config, inputs)),
        ...prefixed("backward_layer", kerasWeights(backward_layer, inputs)),
      }
    : kerasWeights(config, inputs);
  const resets = cell === "gru" ? { resetAfter: config.reset_after !== false } : {};
  return {
    cell,
    options: {
      inputSize: inputs,
      hiddenSize: config.units,
      bias: config.use_bias !== false,
      batchFirst: true,
      bidirectional,
      maskedOutput: config.zero_output_for_mask ? "zero" : "hold",
      ...(bidirectional && { merge: merges[merge_mode ?? "none"] }),
      ...(config.go_backwards && { goBackwards: true }),
      ...resets,
    },
    weights: importWeights("keras", cell, weights, resets),
  };
}

/** Rows `[B,H]` of one direction. */
const directionOf = ({ shape, data }: TensorData, d: number): TensorData => {
  const [, B, H] = shape as [number, number, number];
  return { shape: [B, H], data: data.slice(d * B * H, (d + 1) * B * H) };
};

/** Outputs that are no sequences are each direction's last, which our `merge` never sees: merged here. */
function mergeLast(mode: BidirectionalConfig["merge_mode"], [f, b]: readonly [TensorData, TensorData]): TensorData[] {
  const [B, H] = f.shape as [number, number];
  if (mode === null) return [f, b];
  if (mode === "concat" || mode === undefined) {
    const rows = Array.from({ length: B }, (_, row) =>
      [f, b].flatMap(({ data }) => [...data.slice(row * H, (row + 1) * H)]),
    );
    return [{ shape: [B, 2 * H], data: Float64Array.from(rows.flat()) }];
  }
  const of = { sum: (x: number, y: number) => x + y, mul: (x: number, y: number) => x * y };
  const merged = Float64Array.from(f.data, (x, i) =>
    mode === "ave" ? of.sum(x, b.data[i]!) / 2 : of[mode](x, b.data[i]!),
  );
  return [{ shape: [B, H], data: merged }];
}

/** What Keras returns: the output or outputs, and the states of each direction with return_state. */
function kerasOutputs(given: Case["layer"], result: StateDict): TensorData[] {
  const bidirectional = given.class === "Bidirectional";
  const config = bidirectional ? given.layer : given;
  if (config.return_sequences && config.go_backwards)
    throw new Error("Keras returns such a sequence from its end; no case does");
  const { hn, cn } = result as { hn: TensorData; cn?: TensorData };
  const directions = bidirectional ? [0, 1] : [0];
  const outputs = config.return_sequences
    ? [result.y ?? result.y0!, ...(result.y1 ? [result.y1] : [])]
    : bidirectional
      ? mergeLast(given.merge_mode, [directionOf(hn, 0), directionOf(hn, 1)])
      : [directionOf(hn, 0)];
  const states = directions.flatMap((d) => [directionOf(hn, d), ...(cn ? [directionOf(cn, d)] : [])]);
  return [...outputs, ...(config.return_state ? states : [])];
}

/** Keras's list of states, direction by direction, as ours by name. */
function stateOf(given: Call["initial_state"], cell: Layer["cell"]): Layer["state"] | undefined {
  if (!given) return undefined;
  const all = (Array.isArray(given) ? given : [given]) as readonly KerasTensor[];
  const names = cell === "lstm" ? ["h", "c"] : ["h"];
  const D = all.length / names.length;
  return Object.fromEntries(
    names.map((name, i) => [
      name,
      tensorOf(
        [D, ...all[0]!.shape],
        all.filter((_, k) => k % names.length === i).flatMap(({ data }) => data as number[]),
      ),
    ]),
  );
}

async function run({ layer: given, calls, select, expected, atol, rtol }: Case, runtime: Runtime): Promise<void> {
  const stateful = (given.class === "Bidirectional" ? given.layer : given).stateful === true;
  let kept: Layer["state"] | undefined;
  let outputs: TensorData[] = [];
  for (const call of calls) {
    if (call === "reset_state") {
      kept = undefined;
      continue;
    }
    const { inputs, mask, initial_state } = call;
    const layer = layerOf(given, inputs.shape[2]!);
    const state = stateOf(initial_state, layer.cell) ?? kept;
    const result = await runLayer(runtime, {
      ...layer,
      x: tensorOf(inputs.shape, inputs.data as number[]),
      ...(state && { state }),
      ...(mask && { real: { mask: integersOf(mask.shape, mask.data.map(Number)) } }),
    });
    if (stateful) kept = { h: result.hn!, ...(result.cn && { c: result.cn }) };
    outputs = kerasOutputs(given, result);
  }
  let found: TensorData | undefined;
  for (const step of select) {
    if (typeof step !== "number") found = outputs[step[1]];
    else {
      const { shape, data } = found ?? outputs[0]!;
      const size = data.length / shape[0]!;
      found = { shape: shape.slice(1), data: data.slice(step * size, (step + 1) * size) };
    }
  }
  found ??= outputs[0]!;
  expect(found.shape).toEqual(expected.shape);
  expectClose("output", found.data, expected.data as number[], mixed(atol, rtol));
}

describeSuite<{ readonly cases: readonly Case[] }, Case & { readonly index: number }>({
  file: "keras_rnn_layers",
  casesOf: ({ cases }) => cases.map((given, index) => ({ ...given, index })),
  nameOf({ index, test, layer }) {
    const { class: kind, ...config } = layer.class === "Bidirectional" ? { ...layer, ...layer.layer, ...layer } : layer;
    const shown = Object.entries(config).filter(([, value]) => typeof value !== "object" || value === null);
    return `${index}: ${test} ${kind} ${shown.map(([name, value]) => `${name}=${value}`).join(" ")}`;
  },
  counts: { cases: 62, passed: 62, notApplicable: 0 },
  run,
});
