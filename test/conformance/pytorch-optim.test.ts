/** PyTorch's own regression test of its optimizers: a small network, 1001 steps, the weights after every hundredth. */
import { expect } from "vitest";
import {
  adagrad,
  adam,
  adamW,
  functional,
  Linear,
  l1,
  Module,
  type Optimizer,
  rmsprop,
  type StateDict,
  sgd,
  type Tensor,
} from "../../src/index.ts";
import { camelCase, describeSuite } from "./vectors.ts";

interface Configuration {
  readonly name: string;
  readonly optimizer: string;
  readonly options: Readonly<Record<string, number | boolean>>;
  /** By sample, by parameter. */
  readonly samples_every_100_steps: readonly (readonly (readonly number[])[])[];
}

interface Vectors {
  readonly input: { readonly shape: readonly number[]; readonly data: readonly number[] };
  readonly initial: Readonly<Record<string, readonly number[]>>;
  readonly rtol: number;
  readonly atol: number;
  readonly param_order: readonly string[];
  readonly cases: readonly Configuration[];
}

type Case = Configuration & Omit<Vectors, "cases">;

const optimizers: Readonly<Record<string, (options: object) => Optimizer>> = {
  SGD: sgd,
  Adam: adam,
  AdamW: adamW,
  RMSprop: rmsprop,
  Adagrad: adagrad,
};

/** torch.nn.Sequential(Linear(2, 3), Sigmoid(), Linear(3, 1), Sigmoid()); the modules bear its numbers. */
class Network extends Module {
  readonly 0 = new Linear({ inFeatures: 2, outFeatures: 3 });
  readonly 2 = new Linear({ inFeatures: 3, outFeatures: 1 });
  forward(x: Tensor) {
    return { y: functional.sigmoid(this[2].forward(functional.sigmoid(this[0].forward(x)))) };
  }
}

describeSuite<Vectors, Case>({
  file: "pytorch_optim_baseline",
  casesOf: ({ cases, ...shared }) => cases.map((given) => ({ ...shared, ...given })),
  nameOf: ({ name }) => name,
  counts: { cases: 17, passed: 17, notApplicable: 0 },
  async run({ input, initial, rtol, atol, param_order, samples_every_100_steps, ...given }, runtime) {
    const model = new Network();
    const shapes = await runtime.stateDict(model);
    const weights: StateDict = Object.fromEntries(
      Object.entries(initial).map(([name, data]) => [
        name,
        { shape: shapes[name]!.shape, data: Float64Array.from(data) },
      ]),
    );
    runtime.loadStateDict(model, weights);
    const trainer = runtime.trainer(model, {
      optimizer: optimizers[given.optimizer]!(camelCase(given.options)),
      // The outputs are positive, so this is their sum.
      loss: ({ y }: { y: Tensor }, zeros: Tensor) => l1({ reduction: "sum" }).apply(y, zeros),
    });
    const batch = {
      x: { shape: input.shape, data: Float64Array.from(input.data) },
      target: { shape: [3, 1], data: new Float64Array(3) },
    };
    const batches = function* () {
      for (;;) yield batch;
    };
    for (const [sample, expected] of samples_every_100_steps.entries()) {
      for await (const _ of trainer.fit(batches(), { steps: sample === 0 ? 1 : 100 }));
      const trained = await runtime.stateDict(model);
      param_order.forEach((name, p) => {
        expected[p]!.forEach((want, i) => {
          const error = Math.abs(trained[name]!.data[i]! - want);
          expect(error, `${name}[${i}] after step ${100 * sample}`).toBeLessThanOrEqual(atol + rtol * Math.abs(want));
        });
      });
    }
    trainer.dispose();
  },
});
