/** Convolutions and pooling against PyTorch's numbers: results and gradients by everything that goes in. */
import "../support/all-commands.ts";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { functional as F, type Tensor } from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import { Weights } from "../../src/nn/weights.ts";
import { sizeOf } from "../../src/tensor-data.ts";
import { backendsForTests } from "../support/backends.ts";
import { Parts } from "../support/gradient-check.ts";

const { onEach } = await backendsForTests();

interface Recorded {
  readonly function: string;
  readonly options: { readonly kernelSize?: readonly number[] };
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly shape: readonly number[];
  readonly y: readonly number[];
  readonly grads: Readonly<Record<string, readonly number[]>>;
}

const recorded = readFileSync(new URL("../recorded/convolutions.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

/** What test/recorded/record-convolutions.py makes up. */
const numbers = (shape: readonly number[], shift: number) => ({
  shape,
  data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7919 + shift) % 997) / 498.5 - 1),
});

function apply({ function: name, options }: Recorded, { x, weight, bias }: Readonly<Record<string, Tensor>>): Tensor {
  const { kernelSize, ...others } = options;
  const f = (F as unknown as Record<string, (...all: unknown[]) => Tensor>)[name]!;
  return kernelSize ? f(x, kernelSize, others) : f(x, weight, bias, others);
}

onEach(({ backend }) => {
  test.each(recorded.map((one, i) => [i, one.function, JSON.stringify(one.options), one] as const))(
    "%i: %s with %s",
    async (_, __, ___, one) => {
      const weights = new Weights(backend, new Parts({}), 1);
      const names = Object.keys(one.inputs);
      const program = await Program.compile(backend, weights, {
        inputs: Object.fromEntries(names.map((name) => [name, { shape: one.inputs[name]! }])),
        forward: (tensors) => ({ y: apply(one, tensors) }),
        seeds: ["y"],
        gradients: names,
      });
      const given = Object.fromEntries(names.map((name, i) => [name, numbers(one.inputs[name]!, 101 * i)]));
      const got = await program.run({ ...given, "gradient.y": numbers(one.shape, 500) });
      program.dispose();
      weights.dispose();
      expect(got.y!.shape).toEqual(one.shape);
      const wanted = { y: one.y, ...Object.fromEntries(names.map((name) => [`grad.${name}`, one.grads[name]!])) };
      for (const [name, want] of Object.entries(wanted)) {
        const { data } = got[name]!;
        expect(data.length).toBe(want.length);
        const worst = want.map((value, i) => Math.abs(data[i]! - value) / (1 + Math.abs(value)));
        expect(Math.max(...worst), name).toBeLessThan(3e-6);
      }
    },
  );
});
