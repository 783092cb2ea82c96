/** Files that are damaged or written to harm: always an error of ours, in bounded time and memory. */
import { describe, expect, test } from "vitest";
import { FileFormatError, WebGpuRnnError } from "../../src/errors.ts";
import { inputTensor } from "../../src/graph/tensor.ts";
import { importOnnx, inspectOnnx } from "../../src/onnx/index.ts";
import { type ElementType, elementTypes, encode, type NewMessage } from "../../src/onnx/proto.ts";
import { RandomStream } from "../../src/random.ts";
import { allCases } from "../support/onnx-all-cases.ts";
import {
  drawn,
  type GraphSpec,
  int64,
  node,
  type OnnxNumbers,
  onnxFile,
  scalar,
  valueInfo,
} from "../support/onnx-graphs.ts";

/** Imports a file and runs its graph on inputs of the shapes that it declares, as far as they are small. */
function run(file: Uint8Array): void {
  const model = importOnnx(file);
  const inputs = model.inputs.map(({ name, type, shape = [] }) => {
    const lengths = shape.map((n) => (typeof n === "number" && n > 0 ? Math.min(n, 8) : 2));
    return [name, inputTensor(name, lengths, /FLOAT|DOUBLE/.test(type!) ? "f32" : "i32")] as const;
  });
  model.forward(Object.fromEntries(inputs));
}

/** What a file comes to: nothing, or the error that it throws. */
function outcome(file: Uint8Array): unknown {
  try {
    run(file);
    return undefined;
  } catch (error) {
    return error;
  }
}

const graph = (
  nodes: readonly NewMessage<"NodeProto">[],
  initializers: Readonly<Record<string, OnnxNumbers>> = {},
  inputs: GraphSpec["inputs"] = { x: { type: "FLOAT", shape: [2, 3] } },
) => onnxFile({ opset: 17, inputs, initializers, nodes, outputs: ["y"] });

describe("one list names everything that is not known", () => {
  test("operators, domains, attributes, types and other files, in graphs within graphs, too", () => {
    const branch = (opType: string) => ({
      graph: { name: "b", node: [node(opType, ["x"], ["b"])], output: [{ name: "b" }] },
    });
    const own = { ...node("Gelu", ["h"], ["i"]), domain: "com.microsoft" };
    const file = graph(
      [
        node("Foo", ["x"], ["a"]),
        node("If", ["c"], ["d"], { then_branch: branch("Relu"), else_branch: branch("Bar") }),
        node("Elu", ["d"], ["e"], { beta: { float: 1 } }),
        node("Pad", ["e"], ["f"], { mode: "wrap" }),
        node("Concat", ["f", "a", "s"], ["h"], { axis: "last" }),
        own,
        node("Add", ["i"], ["y"]),
        node("Unread", ["x"], ["z"]),
      ],
      { c: scalar(1, "BOOL"), s: { type: "STRING", shape: [0], values: [] } },
    );
    expect(() => importOnnx(file, { name: "model.onnx" })).toThrow(FileFormatError);
    const lines = (outcome(file) as Error).message.split("\n");
    expect(lines.slice(0, -1)).toEqual([
      "ONNX file: has what cannot be imported:",
      expect.stringMatching(/^- initializer "s" has elements of type STRING; known are FLOAT, /),
      '- operator Foo, node "Foo_a", is not known',
      '- operator Bar, node "Bar_b", is not known',
      '- Elu "Elu_e": the attribute "beta" is not known; known are alpha',
      '- Pad "Pad_f": the attribute "mode" is "wrap"; known are constant, reflect, edge',
      '- Concat "Concat_h": the attribute "axis" is of type 3, expected 2 (int)',
      '- operator Gelu of the domain "com.microsoft", node "Gelu_i": only ONNX\'s own are known',
      '- Add "Add_y" has 1 inputs, expected 2',
    ]);
    expect(lines.at(-1)).toMatch(/^Known operators: Abs, Add, .*, Xor$/);
  });

  test("recurrent layers, with the reason of each", () => {
    const W = drawn("W", [1, 20, 3]);
    const file = graph(
      [
        node("LSTM", ["x", "x", "R"], ["a"], { hidden_size: 5 }),
        node("LSTM", ["a", "W", "R"], ["b"], { hidden_size: 4 }),
        node("LSTM", ["b", "W", "R"], ["y"], { hidden_size: 5, activations: ["Sigmoid", "Sin", "Tanh"] }),
      ],
      { W, R: drawn("R", [1, 20, 5]) },
      { x: { type: "FLOAT", shape: [4, 2, 3] } },
    );
    expect((outcome(file) as Error).message.split("\n").slice(1)).toEqual([
      '- LSTM "LSTM_a": its input "x" is computed when the model runs, and must be a weight of the file',
      '- LSTM "LSTM_b": W is [1,20,3] and R is [1,20,5], for forward with hidden_size 4',
      expect.stringMatching(/^- LSTM "LSTM_y": the activation is Sin; known are Sigmoid, Tanh/),
    ]);
  });

  test("versions of the operators, and files that are no models", () => {
    const of = (opset: number) => onnxFile({ opset, inputs: {}, nodes: [node("Constant", [], ["y"])], outputs: ["y"] });
    expect(() => importOnnx(of(6))).toThrow("version 6 of ONNX's operators, and 7 to 23 are known");
    expect(() => importOnnx(of(99))).toThrow("version 99");
    expect(() => importOnnx(new Uint8Array())).toThrow("has no graph");
    expect(() => importOnnx(encode("ModelProto", { graph: {} }))).toThrow("version ?");
    expect(() => importOnnx(new TextEncoder().encode("PK\x03\x04 a zip archive"))).toThrow(FileFormatError);
    const noTensor = { name: "x", type: { sequenceType: {} } };
    const model = {
      opsetImport: [{ version: 17 }],
      graph: { input: [noTensor], node: [node("Neg", ["x"], ["y"])], output: [{ name: "y" }] },
    };
    expect(() => importOnnx(encode("ModelProto", model))).toThrow('input "x" is no tensor');
    const functions = [{ name: "f", domain: "own" }];
    expect(() => importOnnx(encode("ModelProto", { ...model, functions }))).toThrow('the function "own.f"');
  });
});

const loop = (times: number, nodes: readonly NewMessage<"NodeProto">[], next: string) =>
  graph([
    node("Constant", [], ["m"], { value_int: times }),
    node("Loop", ["m", "", "x"], ["y"], {
      body: {
        graph: {
          name: "body",
          input: [valueInfo("i", "INT64", []), valueInfo("c", "BOOL", []), valueInfo("h", "FLOAT", [])],
          node: nodes,
          output: [{ name: "c" }, { name: next }],
        },
      },
    }),
  ]);
const shape = (...lengths: number[]) => node("Constant", [], ["shape"], { value_ints: lengths });
const million = Array<number>(1e5).fill(1);

/** Files that ask for too much, or contradict themselves. */
const hostile: Readonly<Record<string, Uint8Array>> = {
  "a cycle": graph([node("Add", ["x", "b"], ["a"]), node("Neg", ["a"], ["b"]), node("Identity", ["b"], ["y"])]),
  "a node that reads itself": graph([node("Neg", ["y"], ["y"])]),
  "a value that is made twice": graph([node("Neg", ["x"], ["y"]), node("Abs", ["x"], ["y"])]),
  "an output that nothing makes": graph([node("Neg", ["x"], ["z"])]),
  "2^40 numbers of one value": graph([shape(2 ** 20, 2 ** 20), node("ConstantOfShape", ["shape"], ["y"])]),
  "2^60 numbers of one value": graph([shape(2 ** 40, 2 ** 20), node("ConstantOfShape", ["shape"], ["y"])]),
  "a negative length": graph([shape(-3), node("ConstantOfShape", ["shape"], ["y"])]),
  "an input that is expanded to 2^40": graph([shape(2 ** 38, 2, 3), node("Expand", ["x", "shape"], ["y"])]),
  "an input that is repeated 2^40 times": graph([shape(2 ** 20, 2 ** 20), node("Tile", ["x", "shape"], ["y"])]),
  "a range of 2^53": graph([
    node("Constant", [], ["a"], { value_int: 0 }),
    node("Constant", [], ["b"], { value_int: 2 ** 53 }),
    node("Constant", [], ["c"], { value_int: 1 }),
    node("Range", ["a", "b", "c"], ["y"]),
  ]),
  "one-hot vectors of 2^40 classes": graph(
    [node("OneHot", ["x", "d", "v"], ["y"])],
    { d: scalar(2 ** 40, "INT64"), v: drawn("v", [2]) },
    { x: { type: "INT64", shape: [2] } },
  ),
  "2^40 pieces": graph([node("Split", ["x"], ["y"], { num_outputs: 2 ** 40 })]),
  "a pooling window of 2^40": graph(
    [node("AveragePool", ["x"], ["y"], { kernel_shape: [2 ** 40] })],
    {},
    { x: { type: "FLOAT", shape: [1, 1, 4] } },
  ),
  "padding of 2^40": graph([node("Pad", ["x", "p"], ["y"])], { p: int64(0, 0, 2 ** 40, 0) }),
  "100,000 axes": graph([shape(...million), node("Reshape", ["x", "shape"], ["y"])]),
  "a loop of 2^62 steps": loop(2 ** 62, [node("Neg", ["h"], ["n"])], "n"),
  "a loop of 2^62 steps without nodes": loop(2 ** 62, [], "h"),
  "a loop that doubles": loop(60, [node("Concat", ["h", "h"], ["n"], { axis: 0 })], "n"),
  "a shape that contradicts": graph([shape(7), node("Reshape", ["x", "shape"], ["y"])]),
  "products that do not fit": graph([node("MatMul", ["x", "w"], ["y"])], { w: drawn("w", [4, 2]) }),
  "an axis that is not there": graph([node("Concat", ["x", "x"], ["y"], { axis: 9 })]),
  "an index that is not there": graph([node("Gather", ["x", "i"], ["y"])], { i: int64(5) }),
  "a reshape that overflows": graph([shape(2 ** 32, 2 ** 32, 0), node("Reshape", ["x", "shape"], ["y"])]),
  "a branch that is computed": graph(
    [node("If", ["x"], ["y"], { then_branch: { graph: {} }, else_branch: { graph: {} } })],
    {},
    { x: { type: "BOOL", shape: [1] } },
  ),
  "a body with other inputs": graph([
    node("Scan", ["x"], ["y"], { num_scan_inputs: 1, body: { graph: { output: [{ name: "x" }] } } }),
  ]),
  "a convolution of nothing": graph([node("Conv", ["x", "w"], ["y"])], { w: drawn("k", [1]) }),
  "a recurrent layer of a scalar": graph([node("LSTM", ["x", "w", "w"], ["y"])], { w: scalar(1) }),
  "numbers of another file": encode("ModelProto", {
    opsetImport: [{ version: 17 }],
    graph: {
      initializer: [
        {
          name: "w",
          dims: [2],
          dataType: 1,
          dataLocation: 1,
          externalData: [{ key: "location", value: "/etc/passwd" }],
        },
      ],
      node: [node("Neg", ["w"], ["y"])],
      output: [{ name: "y" }],
    },
  }),
  "a shape of 2^40 with no numbers": encode("ModelProto", {
    opsetImport: [{ version: 17 }],
    graph: {
      initializer: [{ name: "w", dims: [2 ** 20, 2 ** 20], dataType: elementTypes.FLOAT }],
      node: [node("Neg", ["w"], ["y"])],
      output: [{ name: "y" }],
    },
  }),
};

test.each(Object.entries(hostile))(
  "%s is an error of ours, told at once",
  (_, file) => {
    const began = process.memoryUsage().arrayBuffers;
    const error = outcome(file);
    expect(error).toBeInstanceOf(WebGpuRnnError);
    expect((error as WebGpuRnnError).code).not.toBe("INTERNAL");
    expect(process.memoryUsage().arrayBuffers - began).toBeLessThan(2 ** 28);
  },
  10_000,
);

test("names of JavaScript's own are names like others", () => {
  const types = ["FLOAT", "FLOAT"] satisfies ElementType[];
  const file = onnxFile({
    opset: 17,
    inputs: { constructor: { type: types[0]!, shape: [2] } },
    initializers: { toString: drawn("t", [2]), hasOwnProperty: drawn("h", [2]) },
    nodes: [node("Add", ["constructor", "toString"], ["a"]), node("Mul", ["a", "hasOwnProperty"], ["valueOf"])],
    outputs: ["valueOf"],
  });
  expect(outcome(file)).toBeUndefined();
  expect(outcome(graph([node("constructor", ["x"], ["y"])]))).toBeInstanceOf(FileFormatError);
  expect(outcome(graph([node("Neg", ["x"], ["y"], { __proto__x: 1 })]))).toBeInstanceOf(FileFormatError);
});

/** Files whose graphs have most of what can be damaged. */
const whole = allCases
  .filter(({ graph }, i) => graph.nodes.length > 1 || i % 9 === 0 || /LSTM|GRU|Conv|Pool/.test(graph.nodes[0]!.opType!))
  .map(({ graph }) => onnxFile(graph));

/** More on request: ROUNDS=60000 npx vitest run test/onnx/hostile.test.ts. */
const rounds = Number(process.env.ROUNDS ?? 1500);

describe("damaged files", () => {
  test("are read, or refused by an error of ours", () => {
    const random = new RandomStream(7, "damage");
    const below = (n: number) => Math.floor(random.next() * n);
    const refused = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      const file = whole[below(whole.length)]!.slice();
      const kind = below(4);
      let damaged: Uint8Array = file;
      if (kind === 0) damaged = file.subarray(0, below(file.length));
      else if (kind === 1) for (let k = 0; k <= below(4); k++) file[below(file.length)]! ^= 1 << below(8);
      else if (kind === 2) file[below(file.length)] = [0, 1, 127, 128, 255][below(5)]!;
      else {
        // A stretch of it once more, elsewhere.
        const [from, to, length] = [below(file.length), below(file.length), 1 + below(40)];
        file.copyWithin(to, from, from + length);
      }
      const error = outcome(damaged);
      if (error === undefined) continue;
      if (!(error instanceof WebGpuRnnError) || error.code === "INTERNAL")
        throw new Error(`round ${round} (${kind}): ${(error as Error).stack}`);
      refused.set(error.code, (refused.get(error.code) ?? 0) + 1);
      try {
        inspectOnnx(damaged);
      } catch (again) {
        expect(again).toBeInstanceOf(FileFormatError);
      }
    }
    // Both kinds of errors were met, and some damage does no harm.
    expect([...refused.keys()]).toEqual(expect.arrayContaining(["FILE_FORMAT", "SHAPE"]));
    const all = [...refused.values()].reduce((sum, n) => sum + n, 0);
    expect(all / rounds).toBeGreaterThan(0.25);
    expect(all / rounds).toBeLessThan(0.97);
  }, 600_000);
});
