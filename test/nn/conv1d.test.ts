/** Convolution over time: against the sum that defines it, its gradients, and what it refuses. */
import { describe, expect, test } from "vitest";
import { inputTensor } from "../../src/graph/tensor.ts";
import { Conv1d, type Conv1dOptions, OptionError, ShapeError } from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, testGradients } from "../support/gradient-check.ts";
import { expectErrors, mistake, wrong } from "../support/mistakes.ts";

const backends = await backendsForTests();

const sizes = { inChannels: 3, outChannels: 2, kernelSize: 3 };
const variants: readonly (readonly [string, Conv1dOptions, number])[] = [
  ["as it is", sizes, 7],
  ["one channel, one step", { inChannels: 1, outChannels: 1, kernelSize: 1 }, 5],
  ["stride, padding and dilation", { ...sizes, stride: 2, padding: 3, dilation: 2 }, 11],
  ["causal", { ...sizes, padding: "causal", dilation: 3 }, 8],
  ["causal with a stride", { ...sizes, padding: "causal", stride: 3 }, 8],
  ["same", { ...sizes, kernelSize: 4, padding: "same" }, 6],
  ["without bias, batch first", { ...sizes, bias: false, batchFirst: true, padding: 1 }, 5],
];

/** The definition, in loops. */
function expected(
  options: Conv1dOptions,
  T: number,
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array | undefined,
) {
  const { inChannels: C, outChannels: O, kernelSize: K, stride = 1, dilation = 1, padding = 0, batchFirst } = options;
  const B = 2;
  const reach = dilation * (K - 1);
  const before = padding === "causal" ? reach : padding === "same" ? Math.floor(reach / 2) : padding;
  const after = padding === "causal" ? 0 : padding === "same" ? reach - before : padding;
  const steps = Math.floor((T + before + after - reach - 1) / stride) + 1;
  const at = (t: number, b: number, width: number, length: number) => (batchFirst ? b * length + t : t * B + b) * width;
  const y = new Float64Array(steps * B * O);
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < B; b++) {
      for (let o = 0; o < O; o++) {
        let sum = bias?.[o] ?? 0;
        for (let k = 0; k < K; k++) {
          const s = t * stride + k * dilation - before;
          if (s < 0 || s >= T) continue;
          for (let c = 0; c < C; c++) sum += weight[(o * C + c) * K + k]! * x[at(s, b, C, T) + c]!;
        }
        y[at(t, b, O, steps) + o] = sum;
      }
    }
  }
  return { y, steps };
}

backends.onEach(({ open }) => {
  test.each(variants)("%s", async (_, options, T) => {
    const runtime = await open();
    const layer = new Conv1d(options);
    runtime.initialize(layer, { seed: 4 });
    const shape = options.batchFirst ? [2, T, options.inChannels] : [T, 2, options.inChannels];
    const program = await runtime.compile(layer, {
      inputs: { x: { shape } },
      forward: ({ x }) => ({ y: layer.forward(x) }),
    });
    const x = new Numbers("convolution").floats(2 * T * options.inChannels);
    const { y } = await program.run({ x: { shape, data: x } });
    const { weight, bias } = await runtime.stateDict(layer);
    expect(Object.keys(await runtime.stateDict(layer))).toEqual(
      options.bias === false ? ["weight"] : ["weight", "bias"],
    );
    const want = expected(options, T, x, Float32Array.from(weight!.data), bias && Float32Array.from(bias.data));
    expect(layer.outputLength(T)).toBe(want.steps);
    expect(y.data.length).toBe(want.y.length);
    want.y.forEach((value, i) => {
      expect(Math.abs(y.data[i]! - value), `y[${i}]`).toBeLessThan(2e-6);
    });
    runtime.dispose();
  });
});

testGradients(backends, {
  cases: variants.map(([name, options, T]): GradientCase => {
    const layer = new Conv1d(options);
    const shape = options.batchFirst ? [2, T, options.inChannels] : [T, 2, options.inChannels];
    return {
      name,
      model: only(layer),
      inputs: { x: { shape } },
      forward: ({ x }) => ({ y: layer.forward(x!), again: layer.forward(x!.mul(x!)) }),
    };
  }),
});

describe("refuses", () => {
  expectErrors([
    mistake(
      "an unknown padding",
      OptionError,
      /^Conv1d: padding is "full", expected a number of steps, "same" or/,
      () => new Conv1d({ ...sizes, padding: wrong("full") }),
    ),
    mistake(
      "same with a stride",
      OptionError,
      /^Conv1d: padding "same" with stride 2; it keeps/,
      () => new Conv1d({ ...sizes, padding: "same", stride: 2 }),
    ),
    mistake(
      "torch's groups",
      OptionError,
      /^Conv1d: unknown option "groups"/,
      () => new Conv1d(wrong({ ...sizes, groups: 2 })),
    ),
    mistake("other channels", ShapeError, /^Conv1d: x has shape \[7,2,4\], expected \[T,B,3\] \(inChannels 3\)/, () =>
      new Conv1d(sizes).forward(inputTensor("x", [7, 2, 4])),
    ),
    mistake(
      "a sequence that is too short",
      ShapeError,
      /^Conv1d: x has 4 steps, fewer than a window needs \(5\); pad it/,
      () => new Conv1d({ ...sizes, dilation: 2 }).forward(inputTensor("x", [4, 2, 3])),
    ),
  ]);
});
