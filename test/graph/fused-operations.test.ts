/** What is computed in one dispatch, by exact counts of plans, and what a printed plan says of it. */
import { expect, test } from "vitest";
import { countPlan, functional as F, Linear, Module, printPlan, Runtime, sgd, type Tensor } from "../../src/index.ts";
import { Parts } from "../support/gradient-check.ts";

const runtime = await Runtime.open({ backend: "cpu" });

const compile = (
  forward: (t: Readonly<Record<string, Tensor>>) => Record<string, Tensor>,
  options: { seeds?: string[]; gradients?: string[] } = {},
) =>
  runtime.compile(new Parts({}), {
    inputs: { x: { shape: [5, 7] }, y: { shape: [5, 7] }, row: { shape: [7] } },
    forward,
    ...options,
  });

/** Eight pointwise operations and a mean. */
const loss = (x: Tensor, y: Tensor) => x.sub(y).abs().add(0.1).log().mul(2).tanh().pow(2).neg().mean();

test("a loss of eight operations is one dispatch forward and one backward", async () => {
  const forward = await compile(({ x, y }) => ({ loss: loss(x!, y!) }));
  expect(countPlan(forward.plan).perKernel).toEqual({ "pointwise-sum": 1 });
  const both = await compile(({ x, y }) => ({ loss: loss(x!, y!) }), { seeds: ["loss"], gradients: ["x"] });
  expect(countPlan(both.plan).perKernel).toEqual({ "pointwise-sum": 1, pointwise: 1 });
});

test("by both sides it is two backward, and a repeated one needs no more", async () => {
  const two = await compile(({ x, row }) => ({ loss: loss(x!, row!) }), { seeds: ["loss"], gradients: ["x", "row"] });
  expect(countPlan(two.plan).perKernel).toEqual({ "pointwise-sum": 2, pointwise: 1 });
});

test("in a training step too", async () => {
  class Model extends Module {
    head = new Linear({ inFeatures: 3, outFeatures: 2 });
    forward(x: Tensor) {
      return { y: this.head.forward(x) };
    }
  }
  const batch = {
    x: { shape: [4, 3], data: new Float32Array(12) },
    target: { shape: [4, 2], data: new Float32Array(8) },
  };
  const counts = async (f: (outputs: { y: Tensor }, target: Tensor) => Tensor) => {
    const model = new Model();
    const trainer = runtime.trainer(model, { optimizer: sgd({ lr: 0.1 }), loss: f });
    for await (const { loss: value } of trainer.fit([batch])) expect(value).toBeGreaterThan(-10);
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [4, 3] }, target: { shape: [4, 2] } },
      forward: (t) => ({ loss: f(model.forward(t.x), t.target) }),
      seeds: ["loss"],
      parameterGradients: true,
    });
    return countPlan(program.plan).perKernel;
  };
  const linear = { matmul: 2 };
  expect(await counts(({ y }, target) => loss(y, target))).toEqual({ ...linear, "pointwise-sum": 1, pointwise: 1 });
});

test("what another op or the host reads is written, once, and what two chains read is not computed twice", async () => {
  const shared = await compile(({ x, y }) => {
    const made = x!.mul(y!).exp();
    return { first: made.add(1), second: made.sub(1).sum(0), made };
  });
  expect(countPlan(shared.plan).perKernel).toEqual({ pointwise: 2, "pointwise-sum": 1 });
  const read = await compile(({ x }) => ({ z: x!.mul(2).cumSum().add(1).softmax().neg() }));
  expect(countPlan(read.plan).perKernel).toEqual({ pointwise: 3, "cumulative-sum": 1, "masked-softmax": 1 });
});

test("an addition hands its gradient on, and a view costs nothing", async () => {
  const plan = async (f: (x: Tensor, y: Tensor) => Tensor) =>
    countPlan((await compile(({ x, y }) => ({ z: f(x!, y!).cumSum() }), { seeds: ["z"], gradients: ["x"] })).plan)
      .perKernel;
  expect(await plan((x, y) => x.add(y))).toEqual({ pointwise: 1, "cumulative-sum": 2 });
  expect(await plan((x) => x.reshape([7, 5]).unsqueeze(0).squeeze(0).slice(1, 3, 0))).toEqual({
    "cumulative-sum": 2,
    "strided-copy": 1,
  });
});

test("more than a dispatch can read is divided", async () => {
  const { plan } = await runtime.compile(new Parts({}), {
    inputs: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`x${i}`, { shape: [3] }])),
    forward: (t) => ({ y: Object.values(t).reduce((sum, x) => sum.add(x)) }),
  });
  // Five tensors each: the sum so far and four more, at first five.
  expect(countPlan(plan).perKernel).toEqual({ pointwise: 3 });
});

test("numbers of the plan are part of the expression", async () => {
  const { plan } = await compile(({ x }) => ({ z: x!.mul(F.constant([2], { shape: [] })) }));
  expect(plan.buffers.map(({ role }) => role).sort()).toEqual(["input", "output"]);
});

test("a printed plan says what was fused", async () => {
  const { plan } = await compile(({ x, y }) => {
    const difference = x!.sub(y!);
    return { z: difference.mul(difference).mean(), w: F.where(x!.gt(0), x!, y!.mul(-1.5)).sum(0) };
  });
  const text = printPlan(plan);
  expect(text).toContain("pointwise-sum = mul(a, a) with a = sub(x0, x1)");
  expect(text).toContain("pointwise-sum = where(gt(x0, 0), x0, mul(x1, -1.5))");
});
