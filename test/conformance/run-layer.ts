/** One recurrent layer of a suite: built from its options, loaded, compiled, run. What all suites of layers share. */
import {
  GRU,
  LSTM,
  type Module,
  RNN,
  type Runtime,
  type StateDict,
  type Tensor,
  type TensorData,
} from "../../src/index.ts";

export interface Layer {
  readonly cell: "lstm" | "gru" | "rnn";
  /** Options of our module. */
  readonly options: Readonly<Record<string, unknown>>;
  /** By our names. */
  readonly weights: StateDict;
  readonly x: TensorData;
  /** Initial states by name, each `[D,B,H]`. */
  readonly state?: Readonly<Record<string, TensorData>>;
  /** `{ lengths }` or `{ mask }`, i32. */
  readonly real?: Readonly<Record<string, TensorData>>;
  /** Gradients by the outputs, by their names in the result. Then the result has all gradients too. */
  readonly gradients?: Readonly<Record<string, TensorData>>;
}

type AnyLayer = Module & {
  forward(
    x: Tensor,
    state?: Readonly<Record<string, Tensor>>,
    real?: Readonly<Record<string, Tensor>>,
  ): { output: Tensor | readonly Tensor[]; state: Readonly<Record<string, Tensor>> };
};

const modules = { lstm: LSTM, gru: GRU, rnn: RNN };

/** A number array as a tensor of our types. */
export const tensorOf = (shape: readonly number[], data: Iterable<number>): TensorData => ({
  shape,
  data: Float32Array.from(data),
});
export const integersOf = (shape: readonly number[], data: Iterable<number>): TensorData => ({
  shape,
  data: Int32Array.from(data),
});

/**
 * @returns `y` (with merge "none" `y0` and `y1`), the final states as `hn` (and `cn`), and where gradients are given
 *   `grad.x`, `grad.h0` (and `grad.c0`) if there is an initial state, and `grad.<weight>` for every weight
 */
export async function runLayer(runtime: Runtime, layer: Layer): Promise<StateDict> {
  const { cell, options, weights, x, state, real, gradients } = layer;
  const model = new modules[cell](options as never) as unknown as AnyLayer;
  runtime.loadStateDict(model, weights);
  const inputs: StateDict = { x };
  for (const [name, tensor] of Object.entries(state ?? {})) inputs[`${name}0`] = tensor;
  Object.assign(inputs, real);
  const program = await runtime.compile(model, {
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, data }]) => [
        name,
        { shape, dtype: data instanceof Int32Array ? "i32" : "f32" },
      ]),
    ),
    forward(given): Record<string, Tensor> {
      const pick = (names: readonly string[], end: string) =>
        Object.fromEntries(names.map((name) => [name, given[name + end]!]));
      const result = model.forward(
        given.x!,
        state && pick(Object.keys(state), "0"),
        real && pick(Object.keys(real), ""),
      );
      const { output } = result;
      const outputs = Array.isArray(output) ? { y0: output[0]!, y1: output[1]! } : { y: output as Tensor };
      return { ...outputs, ...Object.fromEntries(Object.entries(result.state).map(([name, n]) => [`${name}n`, n])) };
    },
    ...(gradients && {
      seeds: Object.keys(gradients),
      gradients: Object.keys(inputs).filter((name) => !(inputs[name]!.data instanceof Int32Array)),
      parameterGradients: true,
    }),
  });
  try {
    const seeds = Object.entries(gradients ?? {}).map(([name, tensor]) => [`gradient.${name}`, tensor] as const);
    return await program.run({ ...inputs, ...Object.fromEntries(seeds) });
  } finally {
    program.dispose();
  }
}

/** `[A,B,...]` to `[B,A,...]`: batch first and time first, or the directions out of each step. */
export function swapFirst({ shape, data }: TensorData): TensorData {
  const [A, B, ...rest] = shape as [number, number, ...number[]];
  const size = rest.reduce((product, n) => product * n, 1);
  const swapped = data.slice();
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++)
      swapped.set(data.subarray((a * B + b) * size, (a * B + b + 1) * size), (b * A + a) * size);
  }
  return { shape: [B, A, ...rest], data: swapped };
}

/** Our output `[T,B,D*H]` as `[T,D,B,H]`, as ONNX and WebNN have it. */
export function directionsFirst({ shape, data }: TensorData, D: number): TensorData {
  const [T, B, C] = shape as [number, number, number];
  const step = (t: number) => swapFirst({ shape: [B, D, C / D], data: data.subarray(t * B * C, (t + 1) * B * C) });
  const all = data.slice();
  for (let t = 0; t < T; t++) all.set(step(t).data, t * B * C);
  return { shape: [T, D, B, C / D], data: all };
}
