/** Which layers a model has, and that its parts share its weights. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Linear, Module, OptionError, Runtime, sgd, type Tensor } from "../../src/index.ts";
import { namedParts } from "../../src/nn/module.ts";

const linear = () => new Linear({ inFeatures: 1, outFeatures: 1, bias: false });

class Many extends Module {
  readonly one = linear();
  readonly list = [linear(), [linear()]];
  readonly byName = { a: linear(), deeper: { b: linear() }, notes: "none", missing: null };
  readonly self = { around: {} as object };
  readonly hidden = new Map([["c", linear()]]);
  constructor() {
    super();
    this.self.around = this.self;
  }
  forward(x: Tensor) {
    return { logits: this.one.forward(x) };
  }
}

test("layers are found in fields, in arrays and in plain objects", () => {
  expect(namedParts(new Many()).map(({ name }) => name)).toEqual([
    "one.weight",
    "list.0.weight",
    "list.1.0.weight",
    "byName.a.weight",
    "byName.deeper.b.weight",
  ]);
});

describe("a runtime", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await Runtime.open({ backend: "cpu" });
  });
  afterAll(() => runtime.dispose());

  const x = { shape: [1, 1], data: Float32Array.of(1) };
  const answer = async (model: Module, layer: Linear) => {
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [1, 1] } },
      forward: (i) => ({ y: layer.forward(i.x) }),
    });
    return (await program.run({ x })).y.data[0]!;
  };
  class Around extends Module {
    readonly intermediate: Linear;
    constructor(intermediate: Linear) {
      super();
      this.intermediate = intermediate;
    }
    forward(given: Tensor) {
      return { logits: this.intermediate.forward(given) };
    }
  }

  test("keeps the weights of a part, and of another module around it, where the model's are", async () => {
    const model = new Many();
    runtime.initialize(model, { seed: 5 });
    const all = await runtime.stateDict(model);
    expect(await runtime.stateDict(model.one)).toEqual({ weight: all["one.weight"] });
    expect(await answer(model.one, model.one)).toBe(await answer(model, model.one));

    runtime.loadStateDict(model.one, { weight: { shape: [1, 1], data: Float32Array.of(7) } });
    expect((await runtime.stateDict(model))["one.weight"]!.data[0]).toBe(7);

    const around = new Around(model.one);
    expect(await answer(around, model.one)).toBe(7);
    const trainer = runtime.trainer(around, {
      optimizer: sgd({ lr: 1, weightDecay: 0.5 }),
      loss: ({ logits }: { logits: Tensor }) => logits,
    });
    for await (const { loss } of trainer.fit([{ x, target: x }])) expect(loss).toBe(7);
    trainer.dispose();
    // 7 - (1 + 0.5 * 7); what the loss does not depend on is not decayed either.
    const after = await runtime.stateDict(model);
    expect(after["one.weight"]!.data[0]).toBe(2.5);
    expect(after["list.0.weight"]).toEqual(all["list.0.weight"]);
  });

  test("refuses a model of which it has parts only, and a layer that is not among a model's", async () => {
    const part = linear();
    runtime.initialize(part);
    class Both extends Around {
      readonly other = linear();
    }
    const both = new Both(part);
    expect(() => runtime.initialize(both)).toThrow(OptionError);
    expect(() => runtime.initialize(both)).toThrow(
      /^Both: its parameters belong to Linear and to no model yet; a model that others share parameters with is used before/,
    );
    const model = new Many();
    const says = /a layer is used that is not found in the model \(its parameter is "parameter", \[1,1\]\); layers are/;
    await expect(answer(model, model.hidden.get("c")!)).rejects.toThrow(OptionError);
    await expect(answer(model, model.hidden.get("c")!)).rejects.toThrow(says);
  });
});
