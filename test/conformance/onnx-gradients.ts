/**
 * ONNX Runtime's LSTMGrad and GRUGrad: gradients from gates, cells and outputs that are given, and not computed.
 *
 * What the cases give is rounded to six digits, and LSTMGrad's gates do not even belong to its cells: no sequence leads there.
 * So our layer makes the steps one at a time, and two things put it where the case is, without changing any derivative:
 * - the weight matrix is [W, 0, 1] and the input [0, x, what the gates lack beside R·h]: nothing large cancels, the first
 *   columns of the input's gradient are that by x, the second ones of the matrix's gradient that by W;
 * - numbers are added to the states between the steps.
 * ONNX's LSTM takes tanh of the given cell, which lies inside the layer: its `hidden` activation is the constant 1 here, so
 * that h is the output gate alone, and h = o * tanh(c) stands between the steps too.
 */
import {
  exportWeights,
  functional,
  GRU,
  importWeights,
  LSTM,
  type Runtime,
  type StateDict,
  type Tensor,
} from "../../src/index.ts";
import type { OnnxTensor } from "./onnx.ts";

type Matrix = readonly (readonly number[])[];

/** Rows of `[...,C]`. */
const rowsOf = (data: ArrayLike<number>, C: number): number[][] =>
  Array.from({ length: data.length / C }, (_, i) => Array.from({ length: C }, (__, j) => data[i * C + j]!));

/** `a [M,K]` times the transpose of `b [N,K]`. */
const productOf = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => b.map((column) => row.reduce((sum, value, k) => sum + value * column[k]!, 0)));

const both = (a: Matrix, b: Matrix, f: (x: number, y: number) => number): number[][] =>
  a.map((row, i) => row.map((x, j) => f(x, b[i]![j]!)));

/** Where an activation has this value. Printed digits make it 1 or 0: far enough out, the derivative is 0 as well. */
const far = 30;
const sigmoidAt = (y: number) => Math.max(-far, Math.min(far, Math.log(y / (1 - y))));
const tanhAt = (y: number) => Math.max(-far, Math.min(far, Math.atanh(y)));

/** With all digits: what is given are printed numbers, but what is added to them is not. */
const exact = (shape: readonly number[], data: readonly number[]) => ({ shape, data: Float64Array.from(data) });

const add = (a: Matrix, b: Matrix) => both(a, b, (x, y) => x + y);
const subtract = (a: Matrix, b: Matrix) => both(a, b, (x, y) => x - y);
const times = (a: Matrix, b: Matrix) => both(a, b, (x, y) => x * y);

/** @returns dX, dW, dR and dB in ONNX's layout */
export async function onnxGradients(
  runtime: Runtime,
  cell: "lstm" | "gru",
  given: Readonly<Record<string, OnnxTensor>>,
): Promise<StateDict> {
  const [T, B, I] = given.input_tensor!.shape as [number, number, number];
  const H = given.recurrence_weights!.shape[2]!;
  const [packed, own, all] = cell === "lstm" ? ["iofg", "ifgo", given.iofc!] : ["zrn", "rzn", given.zrh!];
  const rows = own.length * H;
  const of = ({ shape, data }: OnnxTensor) => exact(shape, data);
  // The biases have a gradient, but no value: what the gates lack is added anyway.
  const zeros = exact([1, 2 * rows], Array(2 * rows).fill(0));
  const weights = importWeights("onnx", cell, { W: of(given.weights!), R: of(given.recurrence_weights!), B: zeros });
  const W = rowsOf(weights.weight_ih_l0!.data, I);
  const R = rowsOf(weights.weight_hh_l0!.data, H);

  /** A step of a tensor `[T,D,B,C]` with one direction; zeros before the first. */
  const stepOf = (tensor: OnnxTensor, t: number, C: number): Matrix =>
    rowsOf(t < 0 ? Array(B * C).fill(0) : tensor.data.slice(t * B * C, (t + 1) * B * C), C);
  const inputs: StateDict = {};
  for (let t = 0; t < T; t++) {
    const [h, next] = [stepOf(given.HAll!, t - 1, H), stepOf(given.HAll!, t, H)];
    const gates = stepOf(all, t, rows);
    const gate = (name: string): Matrix =>
      gates.map((row) => row.slice(packed.indexOf(name) * H, (packed.indexOf(name) + 1) * H));
    const lacking = [...own].map((name, k) => {
      const heard = cell === "gru" && name === "n" ? times(gate("r"), h) : h;
      const wanted = gate(name).map((row) => row.map(name === "g" || name === "n" ? tanhAt : sigmoidAt));
      return subtract(wanted, productOf(heard, R.slice(k * H, (k + 1) * H)));
    });
    const x = stepOf(given.input_tensor!, t, I);
    inputs[`x${t}`] = exact(
      [1, B, 2 * I + rows],
      x.flatMap((row, b) => [...row.map(() => 0), ...row, ...lacking.flatMap((matrix) => matrix[b]!)]),
    );
    const state = (matrix: Matrix) => exact([1, B, H], matrix.flat());
    if (cell === "lstm") {
      const [before, c] = [stepOf(given.CAll!, t - 1, H), stepOf(given.CAll!, t, H)];
      const tanhC = c.map((row) => row.map(Math.tanh));
      inputs[`c${t}`] = state(subtract(c, add(times(gate("f"), before), times(gate("i"), gate("g")))));
      inputs[`h${t}`] = state(subtract(next, times(gate("o"), tanhC)));
    } else {
      const made = both(gate("z"), subtract(h, gate("n")), (z, difference) => z * difference);
      inputs[`h${t}`] = state(subtract(next, add(gate("n"), made)));
    }
  }

  const sizes = { inputSize: 2 * I + rows, hiddenSize: H };
  const model =
    cell === "lstm"
      ? new LSTM({ ...sizes, activations: { hidden: { name: "Affine", alpha: 0, beta: 1 } } })
      : new GRU({ ...sizes, resetAfter: false });
  const wide = W.flatMap((row, i) => [...row, ...row.map(() => 0), ...W.map((_, j) => (i === j ? 1 : 0))]);
  runtime.loadStateDict(model, { ...weights, weight_ih_l0: exact([rows, 2 * I + rows], wide) });

  const steps = Array.from({ length: T }, (_, t) => t);
  const program = await runtime.compile(model, {
    inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, { shape }])),
    forward(tensors) {
      const outputs: Record<string, Tensor> = {};
      let state: Readonly<Record<string, Tensor>> | undefined;
      for (const t of steps) {
        const made = model.forward(tensors[`x${t}`]!, state as never).state as Readonly<Record<string, Tensor>>;
        const c = made.c && functional.add(made.c, tensors[`c${t}`]!);
        const h = c ? functional.mul(made.h!, functional.tanh(c)) : made.h!;
        outputs[`y${t}`] = functional.add(h, tensors[`h${t}`]!);
        state = { h: outputs[`y${t}`]!, ...(c && { c }) };
      }
      return outputs;
    },
    seeds: steps.map((t) => `y${t}`),
    gradients: steps.map((t) => `x${t}`),
    parameterGradients: true,
  });
  const seeds = steps.map((t) => [`gradient.y${t}`, exact([1, B, H], stepOf(given.grad_HAll!, t, H).flat())]);
  const result = await program.run({ ...inputs, ...Object.fromEntries(seeds) });
  program.dispose();

  const columns = ({ data }: StateDict[string], from: number): number[] =>
    rowsOf(data, 2 * I + rows).flatMap((row) => row.slice(from, from + I));
  const gradients = Object.fromEntries(Object.keys(weights).map((name) => [name, result[`grad.${name}`]!]));
  const byW = exact([rows, I], columns(gradients.weight_ih_l0!, I));
  const { W: dW, R: dR, B: dB } = exportWeights("onnx", cell, { ...gradients, weight_ih_l0: byW });
  const dX = exact(
    [T, B, I],
    steps.flatMap((t) => columns(result[`grad.x${t}`]!, 0)),
  );
  return { dX, dW: dW!, dR: dR!, dB: dB! };
}
