/** Losses that are written with the functions of tensors: gradients by both sides, values by PyTorch's or by their formulas. */
import { describe, expect, test } from "vitest";
import { inputTensor } from "../../src/graph/tensor.ts";
import {
  contrastive,
  cosineLoss,
  focal,
  klDiv,
  type Loss,
  OptionError,
  poissonNLL,
  quantile,
  Runtime,
  ShapeError,
  type Tensor,
} from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, Parts, testGradients } from "../support/gradient-check.ts";
import { expectErrors, mistake, wrong } from "../support/mistakes.ts";

const backends = await backendsForTests();

/** Losses of x and y `[3,4]` and their gradients, recorded with PyTorch 2.13 in float64. */
const recorded: Readonly<
  Record<string, { loss: number; x: readonly number[]; y: readonly (number | undefined)[] | undefined }>
> = {
  poisson: {
    loss: 1.9233226147361666,
    x: [
      0.0227109828, -0.0081962068, -0.2403336974, 0.1321424716, -0.1604873705, 0.3274817652, -0.0648831035,
      -0.2763940765, 0.0567016145, -0.2019208491, 0.2211208547, -0.1151753257,
    ],
    y: [
      0.1083333333, -0.0375, 0.0666666667, -0.0791666667, 0.025, -0.1208333333, -0.0166666667, 0.0875, -0.0583333333,
      0.0458333333, -0.1, 0.0041666667,
    ],
  },
  poissonFull: {
    loss: 2.76492841773792,
    x: [
      0.0227109828, -0.0081962059, -0.2403336913, 0.1321424719, -0.1604873675, 0.3274817652, -0.0648831021,
      -0.2763940677, 0.0567016151, -0.2019208448, 0.2211208548, -0.1151753237,
    ],
    y: [
      undefined,
      0.0300688014,
      0.1794977318,
      -0.079166667,
      0.12236077,
      -0.1208333335,
      0.061928931,
      0.207137216,
      -0.0031098277,
      0.1512732448,
      -0.1000000003,
      0.0926319637,
    ],
  },
  kl: {
    loss: 1.3097240117976627,
    x: [
      0.0096330674, 0.0595746666, -0.2215167152, 0.1523089811, -0.0394501674, 0.2086510805, 0.0223828229, -0.1915837361,
      0.0628295122, -0.1572347455, 0.1433140732, -0.0489088399,
    ],
    y: [
      -0.0183595849, -0.1011747183, 0.2000154243, -0.0804811211, -0.0669256731, -0.0369818656, -0.08048631,
      0.1843938486, -0.0719950097, 0.159167328, -0.0579227662, -0.029249552,
    ],
  },
  klMean: {
    loss: 0.3274310029494157,
    x: [
      0.0024082669, 0.0148936667, -0.0553791788, 0.0380772453, -0.0098625418, 0.0521627701, 0.0055957057, -0.047895934,
      0.015707378, -0.0393086864, 0.0358285183, -0.01222721,
    ],
    y: [
      -0.0045898962, -0.0252936796, 0.0500038561, -0.0201202803, -0.0167314183, -0.0092454664, -0.0201215775,
      0.0460984622, -0.0179987524, 0.039791832, -0.0144806916, -0.007312388,
    ],
  },
  cosine: {
    loss: 1.185308197755688,
    x: [
      0.0170520887, -0.0835868966, -0.1448749078, -0.059071692, -0.085551571, -0.0724378266, -0.0818047869,
      -0.0911717472, -0.0733907989, -0.1633983826, -0.0373877655, -0.1273953491,
    ],
    y: [
      0.0605937154, -0.0260184266, 0.0272010823, -0.0473062301, -0.0039400304, -0.055160426, -0.0185744292,
      0.0180115677, -0.0383764642, 0.029710811, -0.0656113743, 0.0024759009,
    ],
  },
  focal: {
    loss: 1.7167676200121693,
    x: [
      0.0227885162, 0.1311388566, -0.3701387951, 0.2162114223, -0.3620040283, 0.2645087881, 0.0757830366, 0.0217122035,
      0.1187412613, 0.0340199409, 0.1957712431, -0.3485324453,
    ],
    y: undefined,
  },
  focalWeighted: {
    loss: 2.2598975031380997,
    x: [
      0.0659007498, 0.3792326314, -1.0703822872, 0.6252489059, 0.0, 0.0, 0.0, 0.0, 0.0433144956, 0.0124098108,
      0.0714135302, -0.1271378365,
    ],
    y: undefined,
  },
  quantile: {
    loss: 1.72,
    x: [-0.075, -0.075, -0.075, -0.075, -0.075, 0.0083333333, -0.075, -0.075, -0.075, -0.075, 0.0083333333, -0.075],
    y: [0.075, 0.075, 0.075, 0.075, 0.075, -0.0083333333, 0.075, 0.075, 0.075, 0.075, -0.0083333333, 0.075],
  },
  quantiles: {
    loss: 0.9975000000000002,
    x: [
      -0.0083333333, 0.0416666667, -0.0666666667, 0.0083333333, -0.0083333333, -0.0416666667, -0.0666666667, -0.075,
      -0.0083333333, -0.0416666667, -0.0666666667, -0.075,
    ],
    y: [0.025, 0.1916666667, 0.1916666667, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  },
  contrastive: {
    loss: 3.2578614975674354,
    x: [
      0.3278634596, -0.0348885189, -0.5179231519, 0.0290355889, -0.2593005773, -0.057977826, -0.042677543,
      -0.0141077934, -0.2672962155, -0.1026492525, 0.1180354532, 0.2198456385,
    ],
    y: [
      0.3714350873, -0.1601359623, 0.1919725275, -0.3730151546, 0.0079999992, -0.3625608449, 0.0408232138, 0.0048746881,
      -0.3836143283, 0.2740370793, -0.3855917643, -0.0229561245,
    ],
  },
};
const given = {
  x: Float64Array.from({ length: 12 }, (_, i) => ((i * 7) % 12) / 4 - 1.3),
  y: Float64Array.from({ length: 12 }, (_, i) => ((i * 5) % 12) / 3),
};

type Of = (x: Tensor, y: Tensor, classes: Readonly<Record<"plain" | "ignored", Tensor>>) => Tensor;
const losses: Readonly<Record<string, Of>> = {
  poisson: (x, y) => poissonNLL().apply(x, y).loss,
  poissonFull: (x, y) => poissonNLL({ logInput: false, full: true }).apply(x.exp(), y).loss,
  kl: (x, y) => klDiv().apply(x.logSoftmax(), y.softmax()).loss,
  klMean: (x, y) => klDiv({ logTarget: true, reduction: "mean" }).apply(x.logSoftmax(), y.logSoftmax()).loss,
  cosine: (x, y) => cosineLoss().apply(x, y).loss,
  focal: (x, _, { plain }) => focal().apply(x, plain).loss,
  focalWeighted: (x, _, { ignored }) => focal({ gamma: 1.5, alpha: [0.5, 1, 2, 0.25] }).apply(x, ignored).loss,
  quantile: (x, y) => quantile({ quantiles: 0.9 }).apply(x, y).loss,
  quantiles: (x, y) => quantile({ quantiles: [0.1, 0.5, 0.8, 0.9] }).apply(x, y.select(0).slice(0, 3)).loss,
  contrastive: (x, y) => contrastive({ temperature: 0.2 }).apply(x, y).loss,
};

backends.onEach(({ kind, open }) => {
  test.each(Object.entries(losses))("%s is PyTorch's", async (name, of) => {
    const runtime = await open();
    const int = { shape: [3], dtype: "i32" } as const;
    const wanted = recorded[name]!;
    const inputs = { x: { shape: [3, 4] }, y: { shape: [3, 4] }, plain: int, ignored: int };
    const program = await runtime.compile(new Parts({}), {
      inputs,
      forward: ({ x, y, plain, ignored }) => ({ loss: of(x, y, { plain, ignored }) }),
      seeds: ["loss"],
      gradients: ["x", "y"],
    });
    const got = await program.run({
      x: { shape: [3, 4], data: given.x },
      y: { shape: [3, 4], data: given.y },
      plain: { shape: [3], data: Int32Array.of(2, 0, 3) },
      ignored: { shape: [3], data: Int32Array.of(2, -100, 3) },
      "gradient.loss": { shape: [], data: Float64Array.of(1) },
    } as never);
    const tolerance = kind === "cpu" ? 2e-9 : 3e-6;
    const close = (value: number, want: number, what: string) =>
      expect(Math.abs(value - want) / (1 + Math.abs(want)), `${what}: ${value}, expected ${want}`).toBeLessThan(
        tolerance,
      );
    close(got.loss!.data[0]!, wanted.loss, "loss");
    for (const side of ["x", "y"] as const) {
      // Where PyTorch's is NaN (0·log 0), ours need only be a number.
      wanted[side]?.forEach((want, i) => {
        const value = got[`grad.${side}`]!.data[i]!;
        if (want === undefined) expect(value).not.toBeNaN();
        else close(value, want, `gradient by ${side}[${i}]`);
      });
    }
    runtime.dispose();
  });
});

/** Masks of every shape, and both reductions: a mean over what counts. */
describe("of what counts", () => {
  const numbers = new Numbers("masked");
  const x = numbers.floats(24);
  const y = numbers.floats(24).map((v) => Math.abs(v) + 0.1);
  const mask = [1, 0, 1, 1, 0, 1];
  const run = async (loss: Loss, real: Readonly<Record<string, readonly number[]>>) => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const ints = Object.entries(real).map(
      ([key, data]) =>
        [
          key,
          { shape: key === "lengths" ? [2] : data.length === 6 ? [3, 2] : [3, 2, 4], data: Int32Array.from(data) },
        ] as const,
    );
    const program = await runtime.compile(new Parts({}), {
      inputs: {
        x: { shape: [3, 2, 4] },
        y: { shape: [3, 2, 4] },
        ...Object.fromEntries(ints.map(([key, { shape }]) => [key, { shape, dtype: "i32" as const }])),
      },
      forward: ({ x: output, y: target, ...rest }) => ({ ...loss.apply(output!, target!, rest) }),
    });
    const f32 = (data: Float32Array) => ({ shape: [3, 2, 4], data });
    const got = await program.run({ x: f32(x), y: f32(y), ...Object.fromEntries(ints) });
    runtime.dispose();
    return [got.loss!.data[0]!, got.count!.data[0]!];
  };
  const poisson = Array.from(x, (v, i) => Math.exp(v) - y[i]! * v);
  const total = (keep: (i: number) => boolean) => poisson.reduce((sum, v, i) => sum + (keep(i) ? v : 0), 0);
  test.each([
    ["rows", { mask }, (i: number) => mask[Math.floor(i / 4)] === 1, 4],
    ["numbers", { mask: Array.from({ length: 24 }, (_, i) => Number(i % 3 > 0)) }, (i: number) => i % 3 > 0, 16],
    ["lengths", { lengths: [3, 1] }, (i: number) => Math.floor(i / 8) < [3, 1][Math.floor(i / 4) % 2]!, 4],
    ["nothing", { mask: mask.map(() => 0) }, () => false, 0],
  ] as const)("%s", async (_, real, keep, count) => {
    const some = Array.from({ length: 24 }, (__, i) => i).filter(keep).length;
    const [mean, counted] = await run(poissonNLL(), real);
    expect(mean).toBeCloseTo(total(keep) / Math.max(some, 1), 10);
    expect(counted).toBe(count);
    const [sum, one] = await run(poissonNLL({ reduction: "sum" }), real);
    expect(sum).toBeCloseTo(total(keep), 10);
    expect(one).toBe(1);
  });
  test("distributions, when a divergence is masked", async () => {
    const kl = Array.from({ length: 6 }, (_, row) =>
      [0, 1, 2, 3].reduce((sum, c) => sum + y[row * 4 + c]! * (Math.log(y[row * 4 + c]!) - x[row * 4 + c]!), 0),
    );
    const [mean, count] = await run(klDiv(), { mask });
    expect(mean).toBeCloseTo(kl.reduce((sum, v, i) => sum + (mask[i] ? v : 0), 0) / 4, 10);
    expect(count).toBe(4);
  });
});

testGradients(backends, {
  cases: Object.entries(losses).map(
    ([name, of]): GradientCase => ({
      name,
      model: new Parts({}),
      inputs: {
        x: { shape: [3, 4], floats: [...given.x] },
        y: { shape: [3, 4], floats: Array.from(given.y, (v) => v + 0.07) },
        plain: { shape: [3], integers: [2, 0, 3] },
        ignored: { shape: [3], integers: [2, -100, 3] },
      },
      forward: ({ x, y, plain, ignored }) => ({ loss: of(x!, y!, { plain: plain!, ignored: ignored! }) }),
    }),
  ),
});

describe("refuses", () => {
  const [x, other] = [inputTensor("x", [3, 4]), inputTensor("other", [3, 5])];
  const classes = inputTensor("classes", [3], "i32");
  expectErrors([
    mistake(
      "a quantile above 1",
      OptionError,
      /^quantile: quantiles\[1\] is 2, expected a finite number in \[0, 1\]/,
      () => quantile({ quantiles: [0.5, 2] }),
    ),
    mistake("no quantile", OptionError, /^quantile: quantiles are \[\], expected/, () => quantile({ quantiles: [] })),
    mistake(
      "as many outputs as quantiles",
      ShapeError,
      /^quantile: the output has shape \[3,4\], expected \[..., 2\] for 2/,
      () => quantile({ quantiles: [0.1, 0.9] }).apply(x, inputTensor("y", [3])),
    ),
    mistake("a target of another shape", ShapeError, /^poissonNLL: target has shape \[3,5\], the output \[3,4\]/, () =>
      poissonNLL().apply(x, other),
    ),
    mistake("an unknown reduction", OptionError, /^klDiv: reduction is "none", expected/, () =>
      klDiv({ reduction: wrong("none") }),
    ),
    mistake("classes for distributions", ShapeError, /^klDiv: target is i32 \[3\], expected f32 \[3,4\]/, () =>
      klDiv().apply(x, classes),
    ),
    mistake(
      "distributions for classes",
      ShapeError,
      /^focal: target is f32 \[3,4\], expected i32 \[3\] for logits \[3,4\]/,
      () => focal().apply(x, x),
    ),
    mistake("a weight too few", ShapeError, /^focal: alpha has 3 numbers, the logits 4 classes/, () =>
      focal({ alpha: [1, 2, 3] }).apply(x, classes),
    ),
    mistake(
      "a mask of rows that are compared",
      ShapeError,
      /^contrastive: the output is \[3,4\], with a mask, expected \[B,C\]/,
      () => contrastive().apply(x, x, { mask: classes }),
    ),
    mistake("no temperature", OptionError, /^contrastive: temperature is 0/, () => contrastive({ temperature: 0 })),
  ]);
});
