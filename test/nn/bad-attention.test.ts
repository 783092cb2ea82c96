/** Options and inputs that attention and the minimal cells refuse, and what they say. */
import { describe } from "vitest";
import { inputTensor, type Tensor } from "../../src/graph/tensor.ts";
import {
  AdditiveAttention,
  DataError,
  MinGRU,
  MinLSTM,
  MultiplicativeAttention,
  OptionError,
  Runtime,
  ShapeError,
} from "../../src/index.ts";
import { expectErrors, mistake, wrong } from "../support/mistakes.ts";

const f32 = (...shape: number[]): Tensor => inputTensor("x", shape);
const i32 = (...shape: number[]): Tensor => inputTensor("x", shape, "i32");

describe("additive attention refuses", () => {
  const make = (options: object) => () => new AdditiveAttention(wrong(options));
  const sizes = { querySize: 3, keySize: 4, hiddenSize: 5 };
  expectErrors([
    mistake(
      "an unknown option",
      OptionError,
      /AdditiveAttention: unknown option "units"; options are querySize/,
      make({ ...sizes, units: 3 }),
    ),
    mistake("no query size", OptionError, /querySize is undefined, expected a whole number/, make({ hiddenSize: 5 })),
    mistake("a query size of 0", OptionError, /querySize is 0/, make({ ...sizes, querySize: 0 })),
    mistake("a key size with a fraction", OptionError, /keySize is 2.5/, make({ ...sizes, keySize: 2.5 })),
    mistake("no hidden size", OptionError, /AdditiveAttention: hiddenSize is undefined/, make({ querySize: 3 })),
    mistake("a bias that is a number", OptionError, /bias is 1, expected true or false/, make({ ...sizes, bias: 1 })),
    mistake("a score", OptionError, /unknown option "score"/, make({ ...sizes, score: "dot" })),
    mistake("a scale", OptionError, /unknown option "scale"/, make({ ...sizes, scale: true })),
  ]);
});

describe("multiplicative attention refuses", () => {
  const make = (options: object) => () => new MultiplicativeAttention(wrong(options));
  expectErrors([
    mistake(
      "an unknown option",
      OptionError,
      /MultiplicativeAttention: unknown option "hiddenSize"/,
      make({ querySize: 3, hiddenSize: 5 }),
    ),
    mistake(
      "another score",
      OptionError,
      /score is "concat", expected "dot" or "general"/,
      make({ querySize: 3, score: "concat" }),
    ),
    mistake(
      "a scale that is a number",
      OptionError,
      /scale is 0.5, expected true or false/,
      make({ querySize: 3, scale: 0.5 }),
    ),
    mistake(
      "a dot product of two sizes",
      OptionError,
      /querySize is 3 and keySize 4, a dot product needs one size; use score "general"/,
      make({ querySize: 3, keySize: 4, score: "dot" }),
    ),
    mistake("no query size", OptionError, /querySize is undefined/, make({ keySize: 4 })),
  ]);
});

describe("attention's inputs:", () => {
  const attention = new MultiplicativeAttention({ querySize: 3, keySize: 4 });
  attention.path = "decoder.attention";
  const run = (query: unknown, keys: unknown, given?: unknown) => () =>
    attention.forward(wrong(query), wrong(keys), wrong(given));
  const [query, keys] = [f32(6, 2, 3), f32(5, 2, 4)];
  expectErrors([
    mistake(
      "a query of another size",
      ShapeError,
      /MultiplicativeAttention "decoder.attention": query has shape \[6,2,4\], expected \[T,B,3\] or \[B,3\] \(querySize 3\)/,
      run(f32(6, 2, 4), keys),
    ),
    mistake("a query with one axis", ShapeError, /query has shape \[3\]/, run(f32(3), keys)),
    mistake("a query of tokens", ShapeError, /query holds i32, expected f32/, run(i32(6, 2, 3), keys)),
    mistake("no query", ShapeError, /query is undefined, expected a symbolic tensor/, run(undefined, keys)),
    mistake(
      "keys of another size",
      ShapeError,
      /keys has shape \[5,2,3\], expected \[S,B,4\] \(keySize 4\)/,
      run(query, f32(5, 2, 3)),
    ),
    mistake("keys without steps", ShapeError, /keys has shape \[2,4\]/, run(query, f32(2, 4))),
    mistake("no keys", ShapeError, /keys is undefined/, run(query, undefined)),
    mistake(
      "another number of sequences",
      ShapeError,
      /the query has 2 sequences and the keys 7 \(\[6,2,3\] and \[5,7,4\]\)/,
      run(query, f32(5, 7, 4)),
    ),
    mistake(
      "another number of sequences, one step",
      ShapeError,
      /the query has 3 sequences and the keys 2/,
      run(f32(3, 3), keys),
    ),
    mistake(
      "values of other steps",
      ShapeError,
      /values has shape \[6,2,9\], expected \[S,B,V\] = \[5,2,V\]/,
      run(query, keys, { values: f32(6, 2, 9) }),
    ),
    mistake("values that are none", ShapeError, /values is null/, run(query, keys, { values: null })),
    mistake(
      "lengths of another batch",
      ShapeError,
      /lengths has shape \[3\], expected \[B\] = \[2\]/,
      run(query, keys, { lengths: i32(3) }),
    ),
    mistake(
      "lengths with fractions",
      ShapeError,
      /lengths holds f32, expected i32/,
      run(query, keys, { lengths: f32(2) }),
    ),
    mistake(
      "a mask of the queries",
      ShapeError,
      /mask has shape \[6,2\], expected \[T,B\] = \[5,2\]/,
      run(query, keys, { mask: i32(6, 2) }),
    ),
    mistake(
      "an unknown name",
      OptionError,
      /unknown option "length"; options are values, lengths, mask/,
      run(query, keys, { length: i32(2) }),
    ),
    mistake("a tensor in place of names", OptionError, /unknown option/, run(query, keys, f32(5, 2, 4))),
  ]);

  const runtime = Runtime.open({ backend: "cpu" });
  const sent = (name: "lengths" | "mask", shape: number[], data: number[]) => async () => {
    const program = await (await runtime).compile(attention, {
      inputs: { query: { shape: [2, 3] }, keys: { shape: [4, 2, 4] }, [name]: { shape, dtype: "i32" } },
      forward: ({ query: q, keys: k, ...given }) => ({ ...attention.forward(q!, k!, given) }),
    });
    await program.run({
      query: { shape: [2, 3], data: new Float32Array(6) },
      keys: { shape: [4, 2, 4], data: new Float32Array(32) },
      [name]: { shape, data: Int32Array.from(data) },
    });
  };
  expectErrors([
    mistake("a length beyond S", DataError, /lengths\[1\] is length 5/, sent("lengths", [2], [4, 5])),
    mistake("a length below 0", DataError, /lengths\[0\] is length -1/, sent("lengths", [2], [-1, 2])),
    mistake(
      "a mask entry of 2",
      DataError,
      /mask\[3\] is mask entry 2/,
      sent("mask", [4, 2], [1, 1, 1, 2, 0, 0, 0, 0]),
    ),
  ]);
});

describe.each([
  ["MinGRU", MinGRU],
  ["MinLSTM", MinLSTM],
])("%s refuses", (name, Kind) => {
  const make = (options: object) => () => new Kind(wrong(options));
  const sizes = { inputSize: 3, hiddenSize: 4 };
  const said = (text: string) => new RegExp(`${name}: ${text}`);
  const layer = new Kind({ inputSize: 3, hiddenSize: 4, numLayers: 2 });
  const mixed = new Kind({ inputSize: 3, hiddenSize: [4, 5] });
  const x = f32(6, 2, 3);
  expectErrors([
    mistake(
      "an unknown option",
      OptionError,
      said('unknown option "bidirectional"; options are inputSize'),
      make({ ...sizes, bidirectional: true }),
    ),
    mistake("no input size", OptionError, said("inputSize is undefined"), make({ hiddenSize: 4 })),
    mistake("a hidden size of 0", OptionError, said("hiddenSize is 0"), make({ ...sizes, hiddenSize: 0 })),
    mistake(
      "a list of no hidden sizes",
      OptionError,
      said("hiddenSize lists no layer"),
      make({ ...sizes, hiddenSize: [] }),
    ),
    mistake(
      "a list of another length",
      OptionError,
      said("numLayers is 3, but hiddenSize lists 2 layers; leave numLayers out"),
      make({ ...sizes, hiddenSize: [4, 5], numLayers: 3 }),
    ),
    mistake(
      "a bad size in a list",
      OptionError,
      said("hiddenSize\\[1\\] is -1"),
      make({ ...sizes, hiddenSize: [4, -1] }),
    ),
    mistake("0 layers", OptionError, said("numLayers is 0"), make({ ...sizes, numLayers: 0 })),
    mistake(
      "a bias that is text",
      OptionError,
      said('bias is "no", expected true or false'),
      make({ ...sizes, bias: "no" }),
    ),
    mistake("dropout above 1", OptionError, said("dropout is 1.5"), make({ ...sizes, numLayers: 2, dropout: 1.5 })),
    mistake(
      "residual connections of two sizes",
      OptionError,
      said("residual .* hiddenSize is \\[4,5\\]"),
      make({ ...sizes, hiddenSize: [4, 5], residual: true }),
    ),
    mistake(
      "x of another size",
      ShapeError,
      said("x has shape \\[6,2,4\\], expected \\[T,B,3\\] \\(inputSize 3\\)"),
      () => layer.forward(f32(6, 2, 4)),
    ),
    mistake(
      "dropout of all",
      OptionError,
      said("dropout is 1, which leaves nothing"),
      make({ ...sizes, numLayers: 2, dropout: 1 }),
    ),
    mistake("dropout in one layer", OptionError, said("dropout acts between layers"), make({ ...sizes, dropout: 0.5 })),
    mistake(
      "residual connections in one layer",
      OptionError,
      said("residual acts between layers"),
      make({ ...sizes, residual: true }),
    ),
    mistake(
      "tokens with features",
      ShapeError,
      said("x has shape \\[6,2,3\\], expected i32 tokens \\[T,B\\] below 3"),
      () => layer.forward(i32(6, 2, 3)),
    ),
    mistake("tokens batch first", ShapeError, said("x are tokens, which are \\[T,B\\] only"), () =>
      new Kind({ ...sizes, batchFirst: true }).forward(i32(6, 2)),
    ),
    mistake(
      "a state of one layer",
      ShapeError,
      said("state.h has shape \\[1,2,4\\], expected \\[L,B,H\\] = \\[2,2,4\\]"),
      () => layer.forward(x, { h: f32(1, 2, 4) }),
    ),
    mistake("a state without h", ShapeError, said("state.h is undefined"), () =>
      layer.forward(x, wrong({ c: f32(2, 2, 4) })),
    ),
    mistake("one tensor for two sizes", ShapeError, said("state.h is one tensor, expected a list of 2"), () =>
      mixed.forward(x, { h: f32(2, 2, 4) }),
    ),
    mistake("a list that is too short", ShapeError, said("state.h is a list of 1"), () =>
      mixed.forward(x, { h: [f32(1, 2, 4)] }),
    ),
    mistake(
      "a state of another size in a list",
      ShapeError,
      said("state.h\\[1\\] has shape \\[1,2,4\\], expected \\[1,B,H\\] = \\[1,2,5\\]"),
      () => mixed.forward(x, { h: [f32(1, 2, 4), f32(1, 2, 4)] }),
    ),
    mistake("lengths of another batch", ShapeError, said("lengths has shape \\[3\\]"), () =>
      layer.forward(x, undefined, { lengths: i32(3) }),
    ),
    mistake("an unknown name beside lengths", OptionError, said('unknown option "masks"'), () =>
      layer.forward(x, undefined, wrong({ masks: i32(6, 2) })),
    ),
  ]);
});
