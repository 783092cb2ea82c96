import { cellNamed, cellNames, workOf } from "../src/cells/index.ts";
import { type Product, product } from "../src/kernels/matmul.ts";
import { stepBackward, stepForward } from "../src/kernels/recurrent-dispatch.ts";
import type { Target } from "../src/plan/plan.ts";
import { buffer, type KernelCase, whole } from "./measure.ts";

type Form = "NN" | "NT" | "TN";

/** A product in one of the three forms that training needs: forward NT, input gradient NN, weight gradient TN. */
function productCase(target: Target, form: Form, M: number, N: number, K: number): KernelCase {
  const buffers = [buffer("a", M * K), buffer("b", K * N), buffer("c", M * N)];
  const [a, b, c] = whole(buffers) as [Product["a"]["view"], Product["b"]["view"], Product["c"]["view"]];
  const name = `product ${form} ${M}x${N}x${K}`;
  const command = product(target, {
    label: name,
    size: { M, N, K },
    a: form === "TN" ? { view: a, row: 1, column: M } : { view: a, row: K, column: 1 },
    b: form === "NT" ? { view: b, row: 1, column: K } : { view: b, row: N, column: 1 },
    c: { view: c, row: N },
  });
  return { name, buffers, command, flops: 2 * M * N * K };
}

/** One step of a layer, forward or backward. */
function stepCase(target: Target, cell: string, direction: "forward" | "backward", B: number, H: number): KernelCase {
  const { gates, states } = cellNamed(cell);
  const [G, W, S, T] = [gates.length, workOf(cellNamed(cell)).length, states.length, 3];
  const padded = Math.ceil(H / 4) * 4;
  const buffers = [
    ...[
      buffer("weight", H * G * padded),
      buffer("bias", G * H),
      buffer("work", T * B * W * H),
      buffer("h", (T + 1) * B * H),
    ],
    ...[
      buffer("rest", Math.max(1, S - 1) * (T + 1) * B * H),
      buffer("gradient", T * B * H),
      buffer("carry", S * B * H),
    ],
  ];
  const [weight, bias, workView, h, rest, gradient, carry] = whole(buffers);
  const common = {
    label: "step",
    cell,
    t: 1,
    sizes: { T, B, D: 1, H },
    work: { view: workView!, first: 0, count: 1, start: 0 },
    weight: weight!,
    h: h!,
    rest: rest!,
  };
  const command =
    direction === "forward"
      ? stepForward(target, { ...common, save: true, bias: bias!, initial: undefined })
      : stepBackward(target, {
          ...common,
          finish: false,
          hasCarry: true,
          hasProduct: true,
          outputGradient: gradient!,
          carry: carry!,
        });
  return { name: `${cell} step ${direction} B=${B} H=${H}`, buffers, command, flops: 2 * G * B * H * H };
}

/** The kernels that training spends its time in, at the default model's sizes and some others. */
export function kernelCases(target: Target): KernelCase[] {
  const products: [Form, number, number, number][] = [
    ["NT", 2048, 512, 64],
    ["NT", 2048, 96, 128],
    ["NN", 2048, 64, 512],
    ["TN", 512, 64, 2048],
    ["TN", 512, 128, 2048],
    ["NN", 512, 512, 512],
  ];
  const sizes = [
    [1, 128],
    [32, 128],
    [16, 256],
  ] as const;
  return [
    ...products.map(([form, M, N, K]) => productCase(target, form, M, N, K)),
    ...cellNames().flatMap((cell) =>
      sizes.flatMap(([B, H]) =>
        (["forward", "backward"] as const).map((direction) => stepCase(target, cell, direction, B, H)),
      ),
    ),
  ];
}
