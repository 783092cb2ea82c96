/** Biases that learn while the weights beside them are frozen: their gradients are those of a model that learns as a whole. */
import { describe, expect, test } from "vitest";
import {
  Conv1d,
  countPlan,
  GRU,
  LayerNorm,
  Linear,
  LSTM,
  MinGRU,
  Module,
  mse,
  RNN,
  Runtime,
  sgd,
  type Tensor,
} from "../../src/node.ts";
import { Numbers } from "../support/against-twin.ts";

const [T, B, I, H] = [5, 2, 4, 4];
const sizes = { inputSize: I, hiddenSize: H };

class Model extends Module {
  readonly body: Module & { forward(x: Tensor): Tensor | { readonly output: Tensor } };
  readonly head: Linear;
  constructor(body: Model["body"], width: number) {
    super();
    this.body = body;
    this.head = new Linear({ inFeatures: width, outFeatures: 2 });
  }
  forward(x: Tensor) {
    const made = this.body.forward(x);
    return { logits: this.head.forward("output" in made ? made.output : made) };
  }
}

const bodies: Readonly<Record<string, readonly [make: () => unknown, width?: number, tokens?: true]>> = {
  Linear: [() => new Linear({ inFeatures: I, outFeatures: H })],
  LayerNorm: [() => new LayerNorm({ normalizedShape: I })],
  Conv1d: [() => new Conv1d({ inChannels: I, outChannels: H, kernelSize: 3, padding: 1 })],
  MinGRU: [() => new MinGRU(sizes)],
  RNN: [() => new RNN(sizes)],
  LSTM: [() => new LSTM(sizes)],
  "LSTM of three layers": [() => new LSTM({ ...sizes, numLayers: 3 })],
  "LSTM, both directions": [() => new LSTM({ ...sizes, bidirectional: true }), 2 * H],
  "LSTM with heads": [() => new LSTM({ ...sizes, numHeads: 2 })],
  "LSTM with a projection": [() => new LSTM({ ...sizes, projSize: 2 }), 2],
  "LSTM of tokens": [() => new LSTM(sizes), H, true],
  "GRU that resets before, both directions": [
    () => new GRU({ ...sizes, resetAfter: false, bidirectional: true }),
    2 * H,
  ],
  "GRU that resets before, heads": [() => new GRU({ ...sizes, resetAfter: false, numHeads: 2 })],
};

/** The parameters after a step. */
async function trained(make: () => unknown, width: number, tokens: boolean, groups: readonly object[]) {
  await using runtime = await Runtime.open({ backend: "cpu" });
  const model = new Model(make() as Model["body"], width);
  const trainer = runtime.trainer(model, {
    optimizer: sgd({ lr: 0.5 }),
    loss: mse(),
    groups,
  } as never);
  const numbers = new Numbers("frozen");
  const x = tokens
    ? { shape: [T, B], data: Int32Array.from({ length: T * B }, (_, i) => (3 * i) % I) }
    : { shape: [T, B, I], data: numbers.floats(T * B * I) };
  await trainer.step({ x, target: { shape: [T, B, 2], data: numbers.floats(T * B * 2) } } as never);
  return runtime.stateDict(model);
}

describe("with the weights frozen", () => {
  test.each(Object.entries(bodies))("the biases of %s learn", async (_, [make, width = H, tokens = false]) => {
    const before = await trained(make, width, tokens, [
      { match: /bias/, lr: 0 },
      { match: /^(?!.*bias)/, lr: 0 },
    ]);
    const all = await trained(make, width, tokens, []);
    const some = await trained(make, width, tokens, [{ match: /^(?!.*bias)/, freeze: true }]);
    for (const [name, { data }] of Object.entries(some)) {
      const expected = name.includes("bias") ? all[name]!.data : before[name]!.data;
      expect(Array.from(data), name).toEqual(Array.from(expected));
      if (name.includes("bias")) expect(Array.from(data), name).not.toEqual(Array.from(before[name]!.data));
    }
  });

  test("their own gradients are neither computed nor kept", async () => {
    await using runtime = await Runtime.open({ backend: "cpu" });
    const batch = { x: { shape: [T, B, 64] }, target: { shape: [T, B, 2] } };
    const planOf = (groups: readonly object[]) => {
      const model = new Model(new LSTM({ inputSize: 64, hiddenSize: 64 }), 64);
      return runtime.trainer(model, { optimizer: sgd({ lr: 0.5 }), loss: mse(), groups } as never).plan(batch as never);
    };
    const [all, some] = await Promise.all([planOf([]), planOf([{ match: /^(?!.*bias)/, freeze: true }])]);
    const gradients = ({ commands }: typeof all) => commands.filter(({ label }) => label.endsWith(" gradient"));
    expect(gradients(all).length - gradients(some).length).toBe(3);
    expect(some.commands.some(({ label }) => label.endsWith(" sums"))).toBe(true);
    expect(countPlan(some).bytes.scratch).toBeLessThan(countPlan(all).bytes.scratch + 4 * 64 * 64);
  });
});
