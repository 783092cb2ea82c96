import { evaluate, type Inputs } from "./evaluate.ts";
import type { ArrayOf, TwinOf } from "./kernel.ts";
import { inputNames, type pointwiseKernel, type pointwiseSum } from "./pointwise.ts";

type Params = Readonly<Record<string, number>>;

const inputsFrom = (arrays: Readonly<Record<string, ArrayOf<"u32">>>, params: Params): Inputs => ({
  x: inputNames.map((name) => arrays[name]!),
  n: [params.n1!, params.n2!, params.n3!],
  strides: inputNames.map((name) => [0, 1, 2, 3].map((axis) => params[`${name}s${axis}`]!)),
});

const pointwiseKernelTwin: TwinOf<typeof pointwiseKernel> = ({ y, ...arrays }, params, { expression }) => {
  evaluate(expression, inputsFrom(arrays, params), params.N, (from, results, length) => {
    for (let k = 0; k < length; k++) y[from + k] = results[k]! + (params.accumulate ? y[from + k]! : 0);
  });
};

const pointwiseSumTwin: TwinOf<typeof pointwiseSum> = ({ y, ...arrays }, params, { expression }) => {
  const { N, R, parts, factor } = params;
  const sums = new Float64Array(N * parts);
  evaluate(expression, inputsFrom(arrays, params), N * R, (from, results, length) => {
    for (let k = 0; k < length; k++) {
      const n = Math.floor((from + k) / R);
      sums[n * parts + (((from + k) % R) % parts)]! += results[k]!;
    }
  });
  for (let i = 0; i < sums.length; i++) y[i] = factor * sums[i]! + (params.accumulate ? y[i]! : 0);
};

/** The twins of the kernels in pointwise.ts, by their names. */
export const pointwiseTwins = {
  pointwise: pointwiseKernelTwin,
  "pointwise-sum": pointwiseSumTwin,
};
