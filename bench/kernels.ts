import { builtInCells, type FullCell } from "../src/cells/index.ts";
import { type Product, product } from "../src/kernels/matmul.ts";
import { gateSlots, hLayout, noOptions, type Recurrence, stateLayout } from "../src/kernels/recurrence.ts";
import { stepForward } from "../src/kernels/recurrent-dispatch.ts";
import { stepBackward } from "../src/kernels/recurrent-gradient-dispatch.ts";
import { copyStrided } from "../src/kernels/strided-copy.ts";
import type { Target, View } from "../src/plan/plan.ts";
import { buffer, type KernelCase, whole } from "./measure.ts";

/** A case for a machine, with the variants that its target says. */
export type CaseMaker = (target: Target) => KernelCase | Promise<KernelCase>;

type Form = "NN" | "NT" | "TN";

/** A product in one of the three forms that training needs: forward NT, input gradient NN, weight gradient TN. */
const productCase =
  (form: Form, M: number, N: number, K: number) =>
  (target: Target): KernelCase => {
    const buffers = [buffer("a", M * K), buffer("b", K * N), buffer("c", M * N)];
    const [a, b, c] = whole(buffers) as [Product["a"]["view"], Product["b"]["view"], Product["c"]["view"]];
    const name = `product ${form} ${M}x${N}x${K}`;
    const scheduler = {
      target,
      scratch: (what: string, length: number) => ({
        buffer: buffers.push(buffer(what, length)) - 1,
        offset: 0,
        length,
      }),
    };
    const commands = product(scheduler, {
      label: name,
      size: { M, N, K },
      a: form === "TN" ? { view: a, row: 1, column: M } : { view: a, row: K, column: 1 },
      b: form === "NT" ? { view: b, row: 1, column: K } : { view: b, row: N, column: 1 },
      c: { view: c, row: N },
    });
    return { name, buffers, commands, flops: 2 * M * N * K };
  };

/** One step of a layer, forward or backward; of a cell with an intermediate product the second, larger dispatch. */
const stepCase =
  (cell: FullCell, direction: "forward" | "backward", B: number, H: number) =>
  (target: Target): KernelCase => {
    const [G, S, T] = [cell.gates.length, cell.states.length, 3];
    const r: Recurrence = {
      cell,
      T,
      B,
      D: 1,
      H,
      P: H,
      backwards: 0,
      options: noOptions,
      control: undefined,
      stream: 0,
    };
    const shape = { direction: 0, directions: 1, start: 0, times: T };
    const buffers = [
      buffer("weight", H * G * Math.ceil(H / 4) * 4),
      buffer("bias", G * H),
      buffer("learned", Math.max(1, cell.learned.length) * H),
      buffer("gates", T * B * gateSlots(r) * H),
      buffer("h", hLayout(r).length),
      buffer("states", Math.max(1, stateLayout(r, shape).length)),
      buffer("gradient", T * B * H),
      buffer("carry", S * B * H),
    ];
    const [weight, bias, learned, gatesView, h, states, outputGradient, carry] = whole(buffers) as [
      View,
      View,
      View,
      View,
      View,
      View,
      View,
      View,
    ];
    const rows = cell.recurrent ? weight : undefined;
    const common = { label: "step", t: 1, chunk: { ...shape, gates: gatesView, states }, h, learned };
    const command =
      direction === "forward"
        ? stepForward(target, r, {
            ...common,
            stepCount: 1,
            save: true,
            intermediate: false,
            weight,
            bias,
            unused: bias,
          })
        : stepBackward(target, r, {
            ...{ ...common, stepCount: 1, finish: false, hasCarry: true, hasProduct: rows !== undefined },
            ...{ weight: rows, outputGradient, carry },
          });
    const last = cell.intermediate?.gates ?? 0;
    const gates = direction === "backward" ? G - last : last || G;
    return {
      name: `${cell.name} step ${direction} B=${B} H=${H}`,
      buffers,
      commands: [command],
      flops: cell.recurrent ? 2 * gates * B * H * H : 0,
    };
  };

/** Numbers copied from one buffer to another, as many as no cache holds: the adapter's bandwidth. */
const copyCase =
  (length: number) =>
  (target: Target): KernelCase => {
    const buffers = [buffer("from", length), buffer("to", length)];
    const [from, to] = whole(buffers) as [View, View];
    const [lengths, strides] = [[1, 1, 1, length] as const, [0, 0, 0, 1] as const];
    const name = `copy of ${length} numbers`;
    return { name, buffers, commands: [copyStrided(target, { label: name, from, to, lengths, strides })], flops: 0 };
  };

/** The kernels that training spends its time in, at the default model's sizes and some others. */
export function kernelCases(): ((target: Target) => KernelCase)[] {
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
    copyCase(2 ** 23),
    ...products.map(([form, M, N, K]) => productCase(form, M, N, K)),
    ...builtInCells().flatMap((cell) =>
      sizes.flatMap(([B, H]) => (["forward", "backward"] as const).map((direction) => stepCase(cell, direction, B, H))),
    ),
  ];
}
