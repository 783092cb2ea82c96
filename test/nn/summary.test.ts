/** A model on paper, layer by layer. */
import { afterAll, describe, expect, test } from "vitest";
import {
  CharModel,
  countPlan,
  Embedding,
  functional,
  GRU,
  Linear,
  LSTM,
  Module,
  OptionError,
  Runtime,
  ShapeError,
  summary,
  type Tensor,
} from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import { Weights } from "../../src/nn/weights.ts";
import { PlansFor } from "../support/plans-for.ts";

class Encoder extends Module {
  readonly rnn = new GRU({ inputSize: 4, hiddenSize: 6 });
  forward(x: Tensor) {
    return this.rnn.forward(x).output;
  }
}

/** The encoder runs twice, on each half of the features; one layer is never called. */
class Pair extends Module {
  readonly encoder = new Encoder();
  readonly parts = { head: new Linear({ inFeatures: 12, outFeatures: 3 }) };
  readonly unused = new Linear({ inFeatures: 5, outFeatures: 2 });
  forward({ a, b }: { a: Tensor; b: Tensor }) {
    const both = functional.concat([this.encoder.forward(a), this.encoder.forward(b)]);
    return { logits: this.parts.head.forward(both), hidden: { both } };
  }
}

const runtime = await Runtime.open({ backend: "cpu" });
afterAll(() => runtime.dispose());
const inputs = { a: [5, 2, 4], b: { shape: [5, 2, 4] } };
const gru = 3 * 6 * (4 + 6 + 2);

describe("summary", () => {
  test("has a row for each call, with shapes, parameters and dispatches", () => {
    const { rows, parameters, counts } = summary(new Pair(), inputs);
    const y = [5, 2, 6];
    const found = rows.map(({ path, type, depth, called, outputs, ...row }) => [
      `${"> ".repeat(depth)}${path} ${type}`,
      called,
      outputs,
      row.outputBytes,
      row.parameters,
      row.dispatches,
    ]);
    expect(found).toEqual([
      [" Pair", "once", { logits: [5, 2, 3], "hidden.both": [5, 2, 12] }, 600, gru + 39 + 12, counts.dispatches],
      ["> encoder Encoder", "once", { "": y }, 240, gru, 4],
      ["> > encoder.rnn GRU", "once", { output: y, "state.h": [1, 2, 6] }, 288, gru, 4],
      ["> encoder Encoder", "again", { "": y }, 240, 0, 0],
      ["> > encoder.rnn GRU", "again", { output: y, "state.h": [1, 2, 6] }, 288, 0, 0],
      ["> parts.head Linear", "once", { "": [5, 2, 3] }, 120, 39, 1],
      ["> unused Linear", "never", {}, 0, 12, 0],
    ]);
    expect(parameters).toBe(gru + 39 + 12);
    expect(counts.dispatches).toBeGreaterThanOrEqual(5);
  });

  test("counts what a compiled program counts", async () => {
    const model = new Pair();
    const shapes = { a: { shape: [5, 2, 4] }, b: { shape: [5, 2, 4] } };
    const backend = new PlansFor(false);
    const program = await Program.compile(backend, new Weights(backend, model, 0), {
      inputs: shapes,
      forward(given) {
        const { logits, hidden } = model.forward(given);
        return { logits, both: hidden.both };
      },
    });
    const { counts } = summary(new Pair(), shapes);
    const compiled = countPlan(program.plan);
    expect(counts.perKernel).toEqual(compiled.perKernel);
    expect(counts.bytes).toEqual(compiled.bytes);
    program.dispose();
  });

  test("prints a table", () => {
    const model = new CharModel({ vocabSize: 20, cell: "gru", hiddenSize: 8, embeddingDim: 4 });
    const [titles, rule, ...lines] = String(summary(model, { x: { shape: [3, 2], dtype: "i32" } })).split("\n");
    expect(titles).toBe(
      "Layer                   Output                            Parameters  Dispatches  Output bytes",
    );
    expect(rule).toBe("-".repeat(titles!.length));
    expect(lines).toEqual([
      "CharModel               logits [3,2,20], state.h [1,2,8]         596           3         544 B",
      "  embedding: Embedding  [3,2,4]                                   80           0          96 B",
      "  rnn: GRU              output [3,2,8], state.h [1,2,8]          336           2         256 B",
      "  head: Linear          [3,2,20]                                 180           1         480 B",
      rule,
      expect.stringMatching(
        /^596 parameters; one forward pass: 3 dispatches, memory .* \(parameter .*, output 480 B, .*\)$/,
      ),
    ]);
    expect(String(summary(new Pair(), inputs))).toMatch(/unused: Linear +never called +12$/m);
    expect(String(summary(new Pair(), inputs))).toMatch(/encoder\.rnn: GRU .* again +again +288 B$/m);
  });

  test("takes a layer alone, and the tensors of a batch", () => {
    const x = { shape: [3, 2, 4], data: new Float32Array(24) };
    const layer = summary(new LSTM({ inputSize: 4, hiddenSize: 2 }), { x });
    expect(layer.rows).toHaveLength(1);
    expect(layer.rows[0]!.outputs).toEqual({ output: [3, 2, 2], "state.h": [1, 2, 2], "state.c": [1, 2, 2] });
    const tokens = { shape: [3, 2], data: new Int32Array(6) };
    const embedding = new Embedding({ numEmbeddings: 3, embeddingDim: 4 });
    expect(summary(embedding, { x: tokens }).rows[0]).toMatchObject({ outputs: { "": [3, 2, 4] }, dispatches: 1 });
  });

  test("leaves the model as it was, with a runtime and without, and when it fails", async () => {
    class Own extends Module {
      readonly inner = new Linear({ inFeatures: 4, outFeatures: 2 });
      // A forward of the object's own, in place of the class's.
      override forward = (x: Tensor) => ({ y: this.inner.forward(x) });
    }
    class Outer extends Module {
      readonly deep = { own: new Own() };
      forward(x: Tensor) {
        return this.deep.own.forward(x);
      }
    }
    const outer = new Outer();
    runtime.initialize(outer, { seed: 3 });
    const { own } = outer.deep;
    const { forward } = own;
    const before = await runtime.stateDict(outer);
    expect(summary(own, { x: [1, 4] }).rows.map(({ path }) => path)).toEqual(["", "inner"]);
    expect(() => summary(own, { x: [1, 5] })).toThrow(ShapeError);
    expect(own.forward).toBe(forward);
    expect(Object.hasOwn(own.inner, "forward")).toBe(false);
    expect([own.path, own.inner.path, own.inner.weight.name]).toEqual([
      "deep.own",
      "deep.own.inner",
      "deep.own.inner.weight",
    ]);
    expect(await runtime.stateDict(outer)).toEqual(before);
    runtime.release(outer);
  });

  test.each<[unknown, typeof OptionError | typeof ShapeError, string]>([
    [{}, OptionError, "summary: inputs are {}, expected a shape for each"],
    [null, OptionError, "summary: inputs are null"],
    [{ a: 5, b: [5, 2, 4] }, OptionError, 'summary: input "a" is 5, expected a shape such as [16, 8]'],
    [{ a: { shape: [5, 2, 4], type: "f32" } }, OptionError, 'unknown option "type"'],
    [{ a: { shape: [5, 2, 4], dtype: "f64" } }, OptionError, 'input "a" has dtype "f64"'],
    [{ a: [5, 0, 4] }, ShapeError, 'summary: input "a" has shape [5,0,4]'],
    [{ a: [5, 2, 4], b: [5, 2, 3] }, ShapeError, 'GRU "encoder.rnn"'],
  ])("refuses the inputs %j", (given, error, message) => {
    expect(() => summary(new Pair(), given as never)).toThrow(error);
    expect(() => summary(new Pair(), given as never)).toThrow(message);
  });

  test("refuses a model that returns no tensor", () => {
    class Nothing extends Module {
      forward() {
        return { text: "none" };
      }
    }
    expect(() => summary(new Nothing(), { x: [1] })).toThrow(
      'Nothing.forward returned { text: "none" }, expected tensors',
    );
  });
});
