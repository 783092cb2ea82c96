/** Numbers of i32 inputs are checked wherever they are read: directly, or through slice, concat and reshape. */
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { reshape } from "../../src/graph/ops/layout.ts";
import {
  crossEntropy,
  ctc,
  DataError,
  Embedding,
  functional as F,
  LSTM,
  Module,
  Runtime,
  type Tensor,
  type TensorData,
} from "../../src/index.ts";
import { errorOf } from "../support/mistakes.ts";

const runtime = await Runtime.open({ backend: "cpu" });
afterAll(() => runtime.dispose());

class Tables extends Module {
  readonly small = new Embedding({ numEmbeddings: 5, embeddingDim: 2 });
  readonly large = new Embedding({ numEmbeddings: 9, embeddingDim: 2 });
  readonly rnn = new LSTM({ inputSize: 6, hiddenSize: 2, numLayers: 2 });
  forward(tokens: Tensor): Tensor {
    return this.small.forward(tokens);
  }
}
const model = new Tables();

type Inputs = Readonly<Record<string, Tensor>>;

const i32 = (shape: readonly number[], data: readonly number[]): TensorData => ({ shape, data: Int32Array.from(data) });
const f32 = (shape: readonly number[]): TensorData => ({
  shape,
  data: new Float32Array(shape.reduce((product, n) => product * n, 1)).map((_, i) => Math.sin(i)),
});

/** The error's message of a program on these inputs, which must be a DataError; undefined when all is right. */
async function refusal(inputs: Record<string, TensorData>, forward: (inputs: Inputs) => Tensor) {
  const specs = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [
      name,
      { shape, dtype: data instanceof Int32Array ? ("i32" as const) : ("f32" as const) },
    ]),
  );
  const program = await runtime.compile(model, { inputs: specs, forward: (given: Inputs) => ({ y: forward(given) }) });
  const error = await errorOf(() => program.run(inputs));
  program.dispose?.();
  if (error === undefined) return undefined;
  expect(error).toBeInstanceOf(DataError);
  return (error as Error).message;
}

describe("tokens", () => {
  const x = (...data: number[]) => ({ x: i32([data.length], data) });

  test("through a slice: those that are read are checked, under the input's own index", async () => {
    const forward = ({ x }: Inputs) => model.small.forward(F.slice(x!, 2, 2, 0));
    expect(await refusal(x(0, 1, 4, 5, 1), forward)).toMatch(/^x\[3\] is token 5, "small" takes tokens 0 to 4; encode/);
    expect(await refusal(x(0, 1, -1, 4, 1), forward)).toMatch(/^x\[2\] is token -1/);
    expect(await refusal(x(99, -7, 4, 0, 99), forward)).toBeUndefined();
  });

  test("of a recurrent layer", async () => {
    const forward = ({ x }: Inputs) => model.rnn.forward(reshape(F.slice(x!, 1, 2, 0), [2, 1])).output;
    expect(await refusal(x(0, 1, 6), forward)).toMatch(/^x\[2\] is token 6, "rnn(\.l0)?" takes tokens 0 to 5/);
    expect(await refusal(x(0, -1, 3), forward)).toMatch(/^x\[1\] is token -1/);
    expect(await refusal(x(9, 5, 0), forward)).toBeUndefined();
  });

  test("through reshape, and slices of slices", async () => {
    const forward = ({ x }: Inputs) =>
      model.small.forward(reshape(F.slice(F.slice(reshape(x!, [3, 2]), 1, 2, 0), 1, 1, 0), [2]));
    expect(await refusal(x(9, 9, 9, 9, 0, 5), forward)).toMatch(/^x\[5\] is token 5/);
    expect(await refusal(x(9, 9, 9, 9, 0, 4), forward)).toBeUndefined();
  });

  test("through concat: each input's own part, and a slice across the seam", async () => {
    const inputs = (a: number[], b: number[]) => ({ a: i32([a.length], a), b: i32([b.length], b) });
    const joined = ({ a, b }: Inputs) => model.small.forward(F.concat([a!, b!], 0));
    expect(await refusal(inputs([0, 1], [2, 7, 3]), joined)).toMatch(/^b\[1\] is token 7/);
    expect(await refusal(inputs([0, 5], [2, 7, 3]), joined)).toMatch(/^a\[1\] is token 5/);
    expect(await refusal(inputs([0, 1], [2, 4, 3]), joined)).toBeUndefined();
    const seam = ({ a, b }: Inputs) => model.small.forward(F.slice(F.concat([a!, b!], 0), 1, 2, 0));
    expect(await refusal(inputs([9, 1], [7, 9, 9]), seam)).toMatch(/^b\[0\] is token 7/);
    expect(await refusal(inputs([9, 1], [4, 9, 9]), seam)).toBeUndefined();
  });

  test("two readers of one input: each checks its part, the narrowest first", async () => {
    const both = ({ x }: Inputs) => F.concat([model.large.forward(x!), model.small.forward(F.slice(x!, 0, 2, 0))], 0);
    expect(await refusal(x(4, 5, 8), both)).toMatch(/^x\[1\] is token 5, "small" takes tokens 0 to 4/);
    expect(await refusal(x(4, 4, 9), both)).toMatch(/^x\[2\] is token 9, "large" takes tokens 0 to 8/);
    expect(await refusal(x(4, 12, 8), both)).toMatch(/"small"/);
    expect(await refusal(x(4, 4, 8), both)).toBeUndefined();
  });

  test("whatever the way: refused exactly when a token that is read is none", async () => {
    const way = fc.record({
      cut: fc.nat(3),
      turned: fc.boolean(),
      start: fc.nat(4),
      count: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 8, maxLength: 8 }),
        way,
        async (data, { cut, turned, start, count }) => {
          const order = (all: number[]) => {
            const parts = [all.slice(0, cut + 1), all.slice(cut + 1)];
            return (turned ? parts.reverse() : parts).flat().slice(start, start + count);
          };
          const message = await refusal({ x: i32([8], data) }, ({ x }) => {
            const parts = [F.slice(x!, 0, cut + 1, 0), F.slice(x!, cut + 1, 7 - cut, 0)];
            return model.small.forward(F.slice(F.concat(turned ? parts.reverse() : parts, 0), start, count, 0));
          });
          const read = order([0, 1, 2, 3, 4, 5, 6, 7]);
          const wrong = read.find((i) => data[i]! < 0 || data[i]! > 4);
          if (wrong === undefined) expect(message).toBeUndefined();
          else expect(message).toMatch(`x[${wrong}] is token ${data[wrong]},`);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("labels, lengths and masks", () => {
  const logits = f32([3, 2, 4]);

  test("of a cross-entropy through slice and reshape", async () => {
    const forward = ({ logits, target }: Inputs) =>
      crossEntropy().apply(logits!, reshape(F.slice(target!, 1, 6, 0), [3, 2])).loss;
    const inputs = (...target: number[]) => ({ logits, target: i32([8], target) });
    expect(await refusal(inputs(9, 0, 1, 2, 4, 0, 0, 9), forward)).toMatch(
      /^target\[4\] is label 4, "loss" takes labels 0 to 3 \(or -100, ignored\)/,
    );
    expect(await refusal(inputs(9, 0, 1, 2, -100, 0, 0, 9), forward)).toBeUndefined();
  });

  test("a mask and lengths that come out of one input", async () => {
    const forward = ({ x, real }: Inputs) =>
      F.meanPool(x!, {
        lengths: F.slice(real!, 0, 2, 0),
        mask: reshape(F.slice(real!, 2, 6, 0), [3, 2]),
      });
    const inputs = (...real: number[]) => ({ x: logits, real: i32([8], real) });
    expect(await refusal(inputs(4, 3, 1, 1, 1, 1, 1, 1), forward)).toMatch(
      /^real\[0\] is length 4, a sequence of 3 steps takes lengths 0 to 3/,
    );
    expect(await refusal(inputs(3, 3, 1, 1, 1, 2, 1, 1), forward)).toMatch(
      /^real\[5\] is mask entry 2, "mask" takes mask entries 0 to 1/,
    );
    expect(await refusal(inputs(3, 2, 1, 1, 1, 1, 1, 1), forward)).toMatch(
      /^real\[7\] is 1, a real step: step 2 of sequence 1, but real\[1\] is 2; give only one/,
    );
    expect(await refusal(inputs(3, 2, 1, 1, 1, 1, 1, 0), forward)).toBeUndefined();
  });

  test("labels of CTC with their lengths out of two inputs", async () => {
    const forward = ({ logits, a, b, lengths }: Inputs) =>
      ctc().apply(logits!, F.concat([a!, b!], 0), { targetLengths: F.slice(lengths!, 1, 2, 0) }).loss;
    const inputs = (a: number[], b: number[], lengths: number[]) => ({
      logits,
      a: i32([1, 2], a),
      b: i32([1, 2], b),
      lengths: i32([3], lengths),
    });
    expect(await refusal(inputs([1, 2], [3, 4], [9, 2, 1]), forward)).toMatch(/^b\[1\] is label 4, "ctc" takes labels/);
    expect(await refusal(inputs([1, 2], [0, -1], [9, 2, 1]), forward)).toMatch(
      /^b\[0\] is 0, the blank: label 0 of sequence 1, of which lengths\[2\] is 1; give the number/,
    );
    expect(await refusal(inputs([1, -1], [3, -1], [9, 2, 1]), forward)).toMatch(/^a\[1\] is -1, no class: label 1 of/);
    expect(await refusal(inputs([1, -1], [3, -1], [9, 1, 1]), forward)).toBeUndefined();
  });
});
