/** What a runtime keeps for a model, and when it lets it go. */
import { expect, test } from "vitest";
import {
  DisposedError,
  GRU,
  huber,
  Linear,
  type Loss,
  l1,
  Module,
  OptionError,
  Runtime,
  type Tensor,
} from "../src/index.ts";
import { adapterForTests } from "./support/environment.ts";
import { errorOf, wrong } from "./support/mistakes.ts";

const { device, found } = await adapterForTests();
const open = () => Runtime.open({ backend: "cpu" });

class Line extends Module {
  readonly head = new Linear({ inFeatures: 1, outFeatures: 1 });
  forward(x: Tensor): { y: Tensor } {
    return { y: this.head.forward(x) };
  }
}

test("limits of loaded plans are counts", async () => {
  for (const plans of [{ count: 0 }, { count: 1.5 }, { bytes: -1 }, { bytes: "1" }])
    expect(
      await errorOf(() => Runtime.open({ backend: "cpu", plans: wrong(plans) })),
      JSON.stringify(plans),
    ).toBeInstanceOf(OptionError);
  for (const plans of [{}, { count: 1 }, { bytes: 1 }, wrong<object>({ count: undefined })])
    (await Runtime.open({ backend: "cpu", plans })).dispose();
});

test("evaluate measures by the loss of its call, whatever its name, and keeps nothing of it", async () => {
  const runtime = await open();
  const model = new Line();
  const x = { shape: [1, 2, 1], data: Float32Array.of(0, 0) };
  const target = { shape: [1, 2, 1], data: Float32Array.of(3, -5) };
  runtime.loadStateDict(model, {
    "head.weight": { shape: [1, 1], data: Float32Array.of(1) },
    "head.bias": { shape: [1], data: Float32Array.of(0) },
  });
  const by = async (loss: Loss) =>
    (await runtime.evaluate(model, [{ x, target }], { loss: ({ y }, goal) => loss.apply(y!, goal) })).loss;
  const { bytes } = runtime.memory();
  expect(await by(l1())).toBe(4);
  expect(await by(huber())).toBe(3.5);
  expect(await by(huber({ delta: 2 }))).toBe(6);
  expect(runtime.memory().models.map(({ name }) => name)).toEqual(["Line"]);
  expect(runtime.memory().bytes).toBe(bytes);
  runtime.dispose();
});

test("what is made while its model is released is disposed", async () => {
  const runtime = await open();
  const model = new GRU({ inputSize: 2, hiddenSize: 3 });
  const inputs = { x: [1, 1, 2] } as const;
  await runtime.stateDict(model);
  let released = () => {};
  const compile = () =>
    runtime.compile(model, {
      inputs: { x: { shape: inputs.x } },
      forward: ({ x }) => {
        // When the plan is being loaded.
        queueMicrotask(() => released());
        return { y: model.forward(x!).output };
      },
    });
  const refused = errorOf(compile);
  runtime.release(model);
  expect(await refused).toBeInstanceOf(DisposedError);
  expect(runtime.memory().models).toEqual([]);
  released = () => runtime.release(model);
  const program = await compile();
  const x = { shape: inputs.x, data: Float32Array.of(1, 2) };
  expect(await errorOf(() => program.run({ x }))).toBeInstanceOf(DisposedError);
  expect(runtime.memory().models).toEqual([]);
  runtime.dispose();
  expect(await errorOf(() => runtime.release(model))).toBeInstanceOf(DisposedError);
  expect(await errorOf(() => runtime.release(new Line()))).toBeInstanceOf(DisposedError);
});

test("a device that was given stays when the runtime goes", async (context) => {
  context.skip(!device, found.reason);
  let destroyed = 0;
  const destroy = device!.destroy.bind(device!);
  device!.destroy = () => void destroyed++;
  (await Runtime.open({ device: device! })).dispose();
  device!.destroy = destroy;
  expect(destroyed).toBe(0);
});
