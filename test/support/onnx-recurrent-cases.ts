/** RNN, GRU and LSTM with all attributes, and the graphs of control flow. */
import { elementTypes, type NewMessage } from "../../src/onnx/proto.ts";
import { type OnnxCase, one } from "./onnx-cases.ts";
import {
  type AttributeValue,
  drawn,
  int64,
  node,
  numbers,
  type OnnxNumbers,
  scalar,
  valueInfo,
} from "./onnx-graphs.ts";

const [T, B, I, H] = [4, 2, 3, 5];
const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Cell = keyof typeof gates;

interface Recurrent {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
  /** Inputs behind W and R that are given. */
  readonly with?: readonly ("B" | "lengths" | "h" | "c" | "P")[];
  readonly outputs?: number;
}

function recurrent(cell: Cell, { attributes = {}, opset = 14, with: more = ["B"], outputs }: Recurrent = {}): OnnxCase {
  const G = gates[cell];
  const D = attributes.direction === "bidirectional" ? 2 : 1;
  const isBatchFirst = attributes.layout === 1;
  const file = (name: string, ...shape: number[]) => ({ known: drawn(`${cell} ${name}${shape}`, shape, -0.8, 0.8) });
  const has = (name: NonNullable<Recurrent["with"]>[number]) => more.includes(name);
  const state = (name: string) => drawn(name, isBatchFirst ? [B, D, H] : [D, B, H], -1, 1);
  return one(
    cell,
    [
      drawn("x", isBatchFirst ? [B, T, I] : [T, B, I], -1, 1),
      file("W", D, G * H, I),
      file("R", D, G * H, H),
      has("B") ? file("B", D, 2 * G * H) : undefined,
      has("lengths") ? numbers("INT32", [4, 2]) : undefined,
      has("h") ? state("h") : undefined,
      ...(cell === "LSTM" ? [has("c") ? state("c") : undefined, has("P") ? file("P", D, 3 * H) : undefined] : []),
    ],
    { opset, attributes: { hidden_size: H, ...attributes }, outputs: outputs ?? (cell === "LSTM" ? 3 : 2) },
  );
}

const cells = ["RNN", "GRU", "LSTM"] as const;
const f = (value: number) => ({ float: value });

export const recurrentCases: readonly OnnxCase[] = [
  ...cells.flatMap((cell) => [
    recurrent(cell),
    recurrent(cell, { opset: 7, with: [], attributes: { direction: "reverse" }, outputs: 1 }),
    recurrent(cell, { attributes: { direction: "bidirectional" }, with: ["B", "lengths", "h", "c"] }),
    recurrent(cell, { attributes: { direction: "reverse" }, with: ["B", "lengths"] }),
    recurrent(cell, { opset: 22, with: ["B", "h", "c"], attributes: { clip: f(cell === "LSTM" ? 1 : 0.4) } }),
  ]),
  recurrent("GRU", { attributes: { linear_before_reset: 1 }, with: ["B", "h"] }),
  recurrent("GRU", { attributes: { linear_before_reset: 1, direction: "bidirectional" }, with: ["B", "lengths"] }),
  recurrent("GRU", {
    attributes: {
      activations: ["HardSigmoid", "Softsign"],
      activation_alpha: { floats: [0.3] },
      activation_beta: { floats: [0.4] },
    },
  }),
  recurrent("RNN", { attributes: { activations: ["Relu"] } }),
  recurrent("RNN", {
    attributes: {
      activations: ["Affine", "LeakyRelu"],
      direction: "bidirectional",
      activation_alpha: { floats: [0.5, 0.2] },
      activation_beta: { floats: [0.1] },
    },
  }),
  recurrent("LSTM", { with: ["B", "P", "h", "c"] }),
  recurrent("LSTM", { with: ["B", "P"], attributes: { direction: "bidirectional" } }),
  recurrent("LSTM", { with: ["B"], attributes: { input_forget: 1 } }),
  recurrent("LSTM", { with: ["B", "c"] }),
  recurrent("LSTM", {
    attributes: {
      activations: ["Sigmoid", "Softsign", "Tanh", "HardSigmoid", "Tanh", "Relu"],
      direction: "bidirectional",
      activation_alpha: { floats: [0.3] },
      activation_beta: { floats: [0.4] },
    },
  }),
];

const bool = (name: string) => valueInfo(name, "BOOL", []);
const float = (name: string, ...shape: (number | string)[]) => valueInfo(name, "FLOAT", shape);
const graph = (spec: NewMessage<"GraphProto">) => ({ graph: { name: "inner", ...spec } });

/** A graph of several nodes. */
const many = (
  name: string,
  opset: number,
  inputs: Readonly<Record<string, OnnxNumbers>>,
  initializers: Readonly<Record<string, OnnxNumbers>>,
  nodes: readonly NewMessage<"NodeProto">[],
  outputs: readonly string[],
): OnnxCase => ({
  name,
  inputs,
  graph: {
    opset,
    inputs: Object.fromEntries(Object.entries(inputs).map(([input, { type, shape }]) => [input, { type, shape }])),
    initializers,
    nodes,
    outputs,
  },
});

const weights = { w: drawn("w", [3, 3]), one: scalar(1, "INT64"), three: scalar(3, "INT64"), yes: scalar(1, "BOOL") };

export const controlCases: readonly OnnxCase[] = [
  // Which branch is taken depends on a shape; both read a value around them.
  ...[3, 4].map((length) =>
    many(
      `If by a length of ${length}`,
      16,
      { x: drawn("if", [2, length]) },
      { one: weights.one, three: weights.three },
      [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "one"], ["length"]),
        node("Equal", ["length", "three"], ["is"]),
        node("If", ["is"], ["y"], {
          then_branch: graph({ node: [node("Neg", ["x"], ["n"])], output: [float("n", 2, "n")] }),
          else_branch: graph({
            initializer: [{ name: "bias", dims: [1], dataType: elementTypes.FLOAT, floatData: [10] }],
            node: [node("Add", ["x", "bias"], ["p"])],
            output: [float("p", 2, "n")],
          }),
        }),
      ],
      ["y"],
    ),
  ),
  many(
    "Loop of three steps",
    16,
    { x: drawn("loop", [2, 3]) },
    weights,
    [
      node("Loop", ["three", "yes", "x"], ["last", "all"], {
        body: graph({
          input: [valueInfo("i", "INT64", []), bool("c"), float("h", 2, 3)],
          node: [
            node("MatMul", ["h", "w"], ["p"]),
            node("Tanh", ["p"], ["next"]),
            node("Cast", ["i"], ["at"], { to: elementTypes.FLOAT }),
            node("Add", ["next", "at"], ["shown"]),
            node("Identity", ["c"], ["goes"]),
          ],
          output: [bool("goes"), float("next", 2, 3), float("shown", 2, 3)],
        }),
      }),
    ],
    ["last", "all"],
  ),
  many(
    "Loop until a condition",
    16,
    { x: drawn("until", [2, 3]) },
    weights,
    [
      node("Loop", ["", "yes", "x"], ["last"], {
        body: graph({
          input: [valueInfo("i", "INT64", []), bool("c"), float("h", 2, "n")],
          node: [node("Concat", ["h", "x"], ["next"], { axis: 1 }), node("Less", ["i", "three"], ["goes"])],
          output: [bool("goes"), float("next", 2, "m")],
        }),
      }),
    ],
    ["last"],
  ),
  many(
    "Scan over time, from the end",
    16,
    { x: drawn("scan", [2, 4, 3]), h: drawn("h0", [2, 3]) },
    weights,
    [
      node("Scan", ["h", "x"], ["last", "all"], {
        num_scan_inputs: 1,
        scan_input_axes: [1],
        scan_input_directions: [1],
        scan_output_axes: [1],
        scan_output_directions: [1],
        body: graph({
          input: [float("before", 2, 3), float("xt", 2, 3)],
          node: [
            node("MatMul", ["before", "w"], ["p"]),
            node("Add", ["p", "xt"], ["s"]),
            node("Tanh", ["s"], ["next"]),
            node("Identity", ["next"], ["shown"]),
          ],
          output: [float("next", 2, 3), float("shown", 2, 3)],
        }),
      }),
    ],
    ["last", "all"],
  ),
  // One weight, read as rows of a table and transposed: one parameter.
  many(
    "a table that is the last layer as well",
    16,
    { tokens: int64(2, 0, 3) },
    { table: drawn("table", [5, 3]) },
    [
      node("Gather", ["table", "tokens"], ["e"]),
      node("Transpose", ["table"], ["t"], { perm: [1, 0] }),
      node("MatMul", ["e", "t"], ["y"]),
    ],
    ["y"],
  ),
  // Weights that are put together before they are a layer's, as PyTorch's LSTMCell is exported.
  many(
    "LSTM of weights that are computed",
    16,
    { x: drawn("cell", [2, 1, 3]) },
    {
      wi: drawn("wi", [20, 3], -1, 1),
      r: drawn("r", [1, 20, 5], -1, 1),
      zero: int64(0),
      order: int64(...[0, 3, 1, 2].flatMap((gate) => Array.from({ length: 5 }, (_, i) => gate * 5 + i))),
    },
    [
      node("Gather", ["wi", "order"], ["ordered"]),
      node("Unsqueeze", ["ordered", "zero"], ["W"]),
      node("LSTM", ["x", "W", "r"], ["y"], { hidden_size: 5 }),
    ],
    ["y"],
  ),
  // Zeros in the shape of the batch, as PyTorch's exporter makes them.
  many(
    "GRU that begins with computed zeros",
    16,
    { x: drawn("zeros", [3, 2, 3]) },
    {
      W: drawn("gw", [1, 15, 3], -1, 1),
      R: drawn("gr", [1, 15, 5], -1, 1),
      first: int64(1),
      width: int64(5),
      one: int64(1),
    },
    [
      node("Shape", ["x"], ["shape"]),
      node("Gather", ["shape", "first"], ["batch"]),
      node("Concat", ["one", "batch", "width"], ["hs"], { axis: 0 }),
      node("ConstantOfShape", ["hs"], ["h"]),
      node("GRU", ["x", "W", "R", "", "", "h"], ["y", "hn"], { hidden_size: 5, linear_before_reset: 1 }),
      node("Squeeze", ["y", "one"], ["out"]),
    ],
    ["out", "hn"],
  ),
];
