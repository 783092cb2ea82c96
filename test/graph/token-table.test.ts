/** An embedding and the W behind it as one table: where it is taken, and that nothing but the plan changes. */
import { expect, test } from "vitest";
import {
  CharModel,
  countPlan,
  Embedding,
  GRU,
  LSTM,
  Module,
  type Plan,
  type Runtime,
  type StateDict,
  sgd,
  type Tensor,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";

const { onEach } = await backendsForTests();
const V = 11;
const x = { shape: [5, 3], data: Int32Array.from({ length: 15 }, (_, i) => (i * i) % V) };

class Both extends Module {
  embedding = new Embedding({ numEmbeddings: V, embeddingDim: 6 });
  first = new GRU({ inputSize: 6, hiddenSize: 5, bidirectional: true });
  second = new LSTM({ inputSize: 6, hiddenSize: 7, bias: false });
  forward(tokens: Tensor): Record<string, Tensor> {
    const vectors = this.embedding.forward(tokens);
    return { a: this.first.forward(vectors).output, b: this.second.forward(vectors).output };
  }
}

/** Outputs, and the plan that made them; `withVectors` also asks for what the embedding gives. */
async function run(runtime: Runtime, model: Both, withVectors: boolean): Promise<{ plan: Plan; values: StateDict }> {
  const program = await runtime.compile(model, {
    inputs: { x: { shape: x.shape, dtype: "i32" } },
    forward: (given): Record<string, Tensor> => {
      const vectors = model.embedding.forward(given.x!);
      const outputs = { a: model.first.forward(vectors).output, b: model.second.forward(vectors).output };
      return withVectors ? { ...outputs, vectors } : outputs;
    },
  });
  return { plan: program.plan, values: await program.run({ x }) };
}

onEach(({ open }) => {
  test("layers over one embedding take tables, in both directions and without bias, and compute the same", async () => {
    const runtime = await open();
    const model = new Both();
    runtime.initialize(model, { seed: 2 });
    const tables = await run(runtime, model, false);
    const { perKernel, derivations } = countPlan(tables.plan);
    expect(perKernel["column-gather"]).toBe(2);
    expect(perKernel.matmul).toBeUndefined();
    expect(perKernel["embedding-gather"]).toBeUndefined();
    expect(derivations).toBe(4);
    // What is asked for by itself is looked up, and the tables are taken all the same.
    const both = await run(runtime, model, true);
    expect(countPlan(both.plan).perKernel["embedding-gather"]).toBe(1);
    for (const name of ["a", "b"]) expect(both.values[name]).toEqual(tables.values[name]);
    // By products, from vectors that are given.
    const program = await runtime.compile(model, {
      inputs: { vectors: { shape: [5, 3, 6] } },
      forward: ({ vectors }) => ({
        a: model.first.forward(vectors).output,
        b: model.second.forward(vectors).output,
      }),
    });
    expect(countPlan(program.plan).perKernel["column-gather"]).toBeUndefined();
    const values = await program.run({ vectors: both.values.vectors! });
    for (const name of ["a", "b"] as const) {
      const far = Math.max(...Array.from(values[name].data, (v, i) => Math.abs(v - tables.values[name]!.data[i]!)));
      expect(far).toBeLessThan(1e-6);
    }
    runtime.dispose();
  });

  test("follow both the embedding and the layer when weights change", async () => {
    const runtime = await open();
    const model = new Both();
    runtime.initialize(model, { seed: 2 });
    const program = await runtime.compile(model, {
      inputs: { x: { shape: x.shape, dtype: "i32" } },
      forward: (given) => model.forward(given.x),
    });
    const seen = [await program.run({ x })];
    for (const name of ["embedding.weight", "second.weight_ih_l0"]) {
      const dict = await runtime.stateDict(model);
      const { shape, data } = dict[name]!;
      runtime.loadStateDict(model, { ...dict, [name]: { shape, data: data.map((value) => value + 0.5) } });
      seen.push(await program.run({ x }));
    }
    expect(seen[1]!.b).not.toEqual(seen[0]!.b);
    expect(seen[2]!.b).not.toEqual(seen[1]!.b);
    const fresh = await open();
    fresh.loadStateDict(model, await runtime.stateDict(model));
    const again = await run(fresh, model, false);
    expect(seen[2]!.b).toEqual(again.values.b);
    runtime.dispose();
    fresh.dispose();
  });

  test("are not taken where the embedding is trained, or where they would be too large", async () => {
    const runtime = await open();
    const trainer = runtime.trainer(new CharModel({ vocabSize: V }), { optimizer: sgd() });
    expect(countPlan(await trainer.plan({ T: 3, B: 2 })).perKernel["embedding-gather"]).toBe(1);
    const large = new CharModel({ vocabSize: 9000, embeddingDim: 1, hiddenSize: 128 });
    const { perKernel } = countPlan(await runtime.generationPlan(large, { chunk: 2 }));
    expect([perKernel["embedding-gather"], perKernel["column-gather"]]).toEqual([2, undefined]);
    runtime.dispose();
  });
});
