/**
 * oneDNN's LSTM with peepholes and its two GRUs, forward and all gradients of <y,dy> + <hn,dhn> + <cn,dcn>.
 *
 * These numbers are oneDNN's own in float32 on pseudo-random inputs, off from float64 by up to 1.2e-7. Tolerances: 1e-6
 * absolute forward, gradients 1e-6 of the largest one of the tensor.
 *
 * Matrices are [I, gate, H], which is Keras's form; gates i f c o, and u r o for GRU (u is z: h = u * h + (1 - u) * o). Its
 * GRU with reset after has a fourth bias, the candidate's recurrent one; the other two recurrent biases are 0.
 */
import { expect } from "vitest";
import { exportWeights, importWeights, type StateDict } from "../../src/index.ts";
import { absolute, expectClose, ofScale } from "./close.ts";
import { type Layer, runLayer, tensorOf } from "./run-layer.ts";
import { describeSuite } from "./vectors.ts";

interface Sizes {
  readonly T: number;
  readonly N: number;
  readonly I: number;
  readonly H: number;
}

type Numbers = readonly number[];

interface Case extends Readonly<Partial<Record<string, Numbers | string>>> {
  readonly kind: "lstm_peephole" | "gru" | "lbr_gru";
}

type Given = Case & { readonly sizes: Sizes };

const peepholes = ["i", "f", "o"];

describeSuite<Sizes & { readonly cases: readonly Case[] }, Given>({
  file: "onednn_2.6.3_grad",
  casesOf: ({ T, N, I, H, cases }) => cases.map((given) => ({ ...given, sizes: { T, N, I, H } }) as Given),
  nameOf: ({ kind }) => kind,
  counts: { cases: 3, passed: 3, notApplicable: 0 },
  async run(given, runtime) {
    const { kind, sizes } = given;
    const { T, N, I, H } = sizes;
    const cell: Layer["cell"] = kind === "lstm_peephole" ? "lstm" : "gru";
    const resetAfter = kind === "lbr_gru";
    const rows = (cell === "lstm" ? 4 : 3) * H;
    const numbers = (name: string) => given[name] as Numbers;
    const tensor = (name: string, ...shape: number[]) => tensorOf(shape, numbers(name));
    const b = numbers("b");
    const zeros = Array<number>(rows - H).fill(0);
    const bias = resetAfter
      ? tensorOf([2, rows], [...b.slice(0, rows), ...zeros, ...b.slice(rows)])
      : tensorOf([rows], b);
    const keras = { kernel: tensor("wi", I, rows), recurrent_kernel: tensor("wh", H, rows), bias };
    const weights: StateDict = importWeights("keras", cell, keras, cell === "gru" ? { resetAfter } : {});
    if (cell === "lstm") {
      peepholes.forEach((gate, i) => {
        weights[`peephole_${gate}_l0`] = tensorOf([H], numbers("p").slice(i * H, (i + 1) * H));
      });
    }
    const states = cell === "lstm" ? ["h", "c"] : ["h"];
    const state = (name: string) => tensor(name, 1, N, H);
    const result = await runLayer(runtime, {
      cell,
      options: { inputSize: I, hiddenSize: H, ...(cell === "lstm" ? { peepholes: true } : { resetAfter }) },
      weights,
      x: tensor("x", T, N, I),
      state: Object.fromEntries(states.map((name) => [name, state(`${name}0`)])),
      gradients: {
        y: tensor("dy", T, N, H),
        ...Object.fromEntries(states.map((name) => [`${name}n`, state(`d${name}n`)])),
      },
    });

    for (const name of ["y", ...states.map((s) => `${s}n`)])
      expectClose(name, result[name]!.data, numbers(name), absolute(1e-6));
    const gradients = Object.fromEntries(Object.keys(weights).map((name) => [name, result[`grad.${name}`]!]));
    const { bias_ih_l0, bias_hh_l0, ...rest } = gradients as Record<string, NonNullable<(typeof result)[string]>>;
    // Both biases of a gate have the same gradient, except the recurrent one that the reset gate is multiplied with.
    const matrices = Object.fromEntries(Object.entries(rest).filter(([name]) => name.startsWith("weight")));
    const vector = (data: typeof bias_ih_l0) =>
      exportWeights(
        "keras",
        cell,
        { ...matrices, bias_ih_l0: data!, bias_hh_l0: tensorOf([rows], Array(rows).fill(0)) },
        cell === "gru" ? { resetAfter: false } : {},
      ).bias!.data;
    const theirs = exportWeights("keras", cell, matrices);
    const found: Record<string, ArrayLike<number>> = {
      dx: result["grad.x"]!.data,
      dwi: theirs.kernel!.data,
      dwh: theirs.recurrent_kernel!.data,
      db: [...vector(bias_ih_l0), ...(resetAfter ? vector(bias_hh_l0).slice(rows - H) : [])],
      ...Object.fromEntries(states.map((name) => [`d${name}0`, result[`grad.${name}0`]!.data])),
      ...(cell === "lstm" && { dp: peepholes.flatMap((gate) => [...rest[`peephole_${gate}_l0`]!.data]) }),
    };
    const expected = Object.keys(given).filter((name) => name.startsWith("d") && !["dy", "dhn", "dcn"].includes(name));
    expect(Object.keys(found).sort()).toEqual(expected.sort());
    for (const [name, data] of Object.entries(found))
      expectClose(name, Float64Array.from(data), numbers(name), ofScale(1e-6));
  },
});
