/**
 * PyTorch's C++ test of LSTM: every weight is its index divided by their number, so all gates differ.
 * Tolerance: 1e-3 absolute as in the file, the printed numbers have four digits.
 */
import { absolute, expectClose } from "./close.ts";
import { runLayer, tensorOf } from "./run-layer.ts";
import { describeSuite } from "./vectors.ts";

interface Vectors {
  readonly out: readonly number[];
  readonly hx_cx: readonly number[];
  readonly atol: number;
}

const counted = (...shape: number[]) => {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensorOf(
    shape,
    Array.from({ length: size }, (_, i) => i / size),
  );
};

describeSuite<Vectors, Vectors>({
  file: "pytorch_cpp_lstm",
  casesOf: (vectors) => [vectors],
  nameOf: () => "RNNTest.CheckOutputValuesMatchPyTorch",
  counts: { cases: 1, passed: 1, notApplicable: 0 },
  async run({ out, hx_cx, atol }, runtime) {
    const { y, hn, cn } = await runLayer(runtime, {
      cell: "lstm",
      options: { inputSize: 2, hiddenSize: 2 },
      weights: {
        weight_ih_l0: counted(8, 2),
        weight_hh_l0: counted(8, 2),
        bias_ih_l0: counted(8),
        bias_hh_l0: counted(8),
      },
      x: tensorOf(
        [3, 4, 2],
        Array.from({ length: 24 }, (_, i) => (24 - i) / 24),
      ),
    });
    expectClose("out", y!.data, out, absolute(atol));
    expectClose("hx and cx", Float64Array.of(...hn!.data, ...cn!.data), hx_cx, absolute(atol));
  },
});
