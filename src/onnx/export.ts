import { checkOptions, OptionError } from "../errors.ts";
import type { Node, Tensor } from "../graph/tensor.ts";
import type { SequenceModel } from "../graph/trace.ts";
import type { Bytes, Module, StateDict } from "../index.ts";
import { GraphWriter, isFixed, Refusal, Refusals, sameLength } from "./export-graph.ts";
import {
  writeConcat,
  writeCumulativeSum,
  writeGather,
  writePad,
  writeRepeat,
  writeReshape,
  writeStrided,
  writeTopK,
} from "./export-layout.ts";
import { writeAdditiveScores, writeMask, writeMaskedRows, writeMaskedSoftmax, writePool } from "./export-masks.ts";
import { writePointwise, writeSum } from "./export-pointwise.ts";
import {
  writeBatchProduct,
  writeEmbedding,
  writeLayerNorm,
  writeLinear,
  writeLinearTokens,
  writeMatmul,
  writeSoftmax,
} from "./export-products.ts";
import { writeRecurrent } from "./export-recurrent.ts";
import { describeInputs, type OnnxInput, type TracedModel, type TracedNode, traceModel } from "./export-trace.ts";
import { ModelWeights, withPaths } from "./export-weights.ts";
import { findLarger, writeSumOfWindows, writeWindows } from "./export-windows.ts";
import { elementTypes, encode, type NewMessage } from "./proto.ts";

/** Of the operators: LayerNormalization is there from this one on. */
const OPSET = 17;
/** Of the format: what that opset came with. */
const IR_VERSION = 8;

export interface ExportOnnxOptions {
  /** The model's numbers, as `runtime.stateDict(model)` gives them. */
  readonly weights: StateDict;
  /**
   * A shape for each input, with names from `dynamic` for axes that stay open: `{ x: ["T", "B", 40] }`; of tokens, lengths and
   * masks `{ tokens: { shape: ["T", "B"], dtype: "i32" } }`. As in `runtime.session`, one input that is called x is given to
   * forward as it is, others as a record.
   */
  readonly inputs: Readonly<Record<string, OnnxInput>>;
  /** Names of axes whose length is told by each call; default none. */
  readonly dynamic?: readonly string[];
  /**
   * Whether the states that forward takes and returns are inputs `state.<name>` and outputs `next.<name>`. Default: where they can
   * be. Without them every call begins with the model's initial state.
   */
  readonly states?: boolean;
  /** Texts by key that the file holds beside the graph, such as a vocabulary (`metadata_props`); default none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** From inputs by name (and a state) to outputs by name, and `state`; default the model's own forward. */
  readonly forward?: (inputs: Readonly<Record<string, Tensor>>, state?: never) => unknown;
}

type Write = (g: GraphWriter, traced: TracedNode, weights: ModelWeights) => void;

/** How each op of a graph is written; an op that is not here has no place in an ONNX file. */
const writers: Readonly<Record<string, Write>> = {
  reshape: writeReshape,
  strided: writeStrided,
  concat: writeConcat,
  pad: writePad,
  repeat: writeRepeat,
  "top-k": writeTopK,
  gather: writeGather,
  "cumulative-sum": writeCumulativeSum,
  pointwise: writePointwise,
  sum: writeSum,
  linear: writeLinear,
  "linear-tokens": writeLinearTokens,
  embedding: writeEmbedding,
  "layer-norm": writeLayerNorm,
  softmax: writeSoftmax,
  matmul: writeMatmul,
  "batch-product": writeBatchProduct,
  windows: writeWindows,
  "sum-of-windows": writeSumOfWindows,
  "sequence-mask": writeMask,
  "mask-rows": writeMaskedRows,
  "masked-softmax": writeMaskedSoftmax,
  "additive-scores": writeAdditiveScores,
  pool: writePool,
  recurrent: writeRecurrent,
};

/** Why an op has no writer, where there is more to say. */
const reasons: Readonly<Record<string, readonly [why: string, wayOut: string]>> = {
  "linear-recurrence": [
    "the recurrence of minGRU and minLSTM, which ONNX has no operator for",
    "train an LSTM or a GRU",
  ],
  "scan-gates": ["the gates of minGRU and minLSTM, which ONNX has no operator for", "train an LSTM or a GRU"],
  "cross-entropy": ["a loss", "return what the loss is computed from"],
  "pointwise-loss": ["a loss", "return what the loss is computed from"],
  ctc: ["a loss", "return what the loss is computed from"],
};

/**
 * Writes a model as an ONNX file (opset 17): its forward, traced, with recurrent layers as LSTM, GRU and RNN nodes and states as
 * inputs and outputs. Weights keep their names, but for those of recurrent layers, which ONNX packs as W, R, B and P.
 *
 * Whole numbers are INT32. Lengths are at least 1, as ONNX Runtime wants them.
 *
 * ```ts
 * const weights = await runtime.stateDict(model);
 * const file = exportOnnx(model, { weights, inputs: { x: ["T", "B", 40] }, dynamic: ["T", "B"] });
 * ```
 * @returns the bytes of the file; inputs and outputs have the names that they have here
 * @throws OptionError naming every part that ONNX has no place for, with its place, the reason and the way out; or for options that make
 *   no sense together; ShapeError for shapes that do not fit; StateDictError for other weights than the model's; LimitError for 2 GiB of them
 */
export function exportOnnx(model: Module, options: ExportOnnxOptions): Bytes {
  checkOptions("exportOnnx", options, ["weights", "inputs", "dynamic", "states", "metadata", "forward"]);
  return withPaths(model, () => exported(model, options));
}

function exported(model: Module, options: ExportOnnxOptions): Bytes {
  const { dynamic = [], states, metadata = {}, forward } = options;
  const weights = new ModelWeights(model, options.weights);
  const inputs = describeInputs(options.inputs, dynamic);
  const given = { inputs, open: dynamic, states, forward: forward as never };
  const traced = traceModel(model as Module & SequenceModel, given);
  const outputNames = new Map<Tensor, string>();
  for (const [name, tensor] of traced.outputs) if (!outputNames.has(tensor)) outputNames.set(tensor, name);
  const g = new GraphWriter(traced.lengths, outputNames);
  const faults = new Set<string>();
  defineSources(g, traced, weights);
  const larger = findLarger(traced);
  for (const one of traced.nodes) {
    try {
      const part = larger.get(one.node);
      if (part) {
        part(g);
        continue;
      }
      const write = writers[one.node.op.name];
      if (!write) {
        const [why, wayOut] = reasons[one.node.op.name] ?? [
          "an operation that has no place there",
          "leave it out of forward",
        ];
        throw new Refusal(why, wayOut);
      }
      write(g, one, weights);
    } catch (fault) {
      const all = fault instanceof Refusals ? fault.all : fault instanceof Refusal ? [fault] : undefined;
      if (!all) throw fault;
      for (const { message, wayOut } of all)
        faults.add(`${one.node.label} (${one.node.op.name}): ${message}; ${wayOut}`);
      // What follows is looked at too.
      for (const tensor of one.node.outputs) g.define(tensor, "");
    }
  }
  if (faults.size > 0)
    throw new OptionError(
      `exportOnnx: ONNX has no place for ${faults.size} ${faults.size === 1 ? "part" : "parts"} of ${model.constructor.name}:\n${[...faults].map((fault) => `- ${fault}`).join("\n")}`,
    );
  const { node, initializer } = g.finish(traced.outputs);
  const describe = (tensors: ReadonlyMap<string, Tensor>) =>
    [...tensors].map(([name, tensor]) => valueInfo(name, tensor, traced));
  return encode("ModelProto", {
    irVersion: IR_VERSION,
    producerName: "webgpu-rnn",
    opsetImport: [{ domain: "", version: OPSET }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: model.constructor.name,
      node,
      initializer,
      input: describe(traced.inputs),
      output: describe(traced.outputs),
    },
  });
}

/** Inputs, constants and parameters: what no node computes. */
function defineSources(g: GraphWriter, traced: TracedModel, weights: ModelWeights): void {
  for (const [name, tensor] of traced.inputs) g.input(tensor, name);
  const seen = new Set<Tensor>();
  const define = (tensor: Tensor) => {
    const { source } = tensor;
    if (seen.has(tensor) || !source) return;
    seen.add(tensor);
    if (source.kind === "constant") defineConstant(g, traced, tensor, source.name);
    if (source.kind !== "parameter") return;
    const { name, shape, data } = weights.whole(tensor);
    g.define(tensor, g.initializer(`parameter ${tensor.id}`, name, shape, data));
  };
  // Recurrent layers pack theirs.
  for (const { node } of traced.nodes)
    for (const tensor of node.inputs) if (tensor && !isPacked(tensor, node)) define(tensor);
  for (const tensor of traced.outputs.values()) define(tensor);
}

/** The first inputs of a recurrent layer behind x. */
const isPacked = (tensor: Tensor, { op, inputs }: Node): boolean =>
  op.name === "recurrent" && inputs.slice(1, 7).includes(tensor);

function defineConstant(g: GraphWriter, traced: TracedModel, tensor: Tensor, name: string): void {
  const values = traced.constants.get(tensor)!;
  const [first] = values as [readonly number[]];
  const lengths = traced.lengths(tensor);
  const isOpen = values.some((one) => one.length !== first.length);
  if (isOpen && values.every((one) => one.every((n) => n === first[0]))) {
    // One number, as often as an open axis wants it.
    g.define(tensor, g.node("Expand", [g.scalar(first[0]!, tensor.dtype), g.shape(lengths)], { label: name }));
    return;
  }
  if (values.some((one) => one.length !== first.length || one.some((n, i) => !Object.is(n, first[i]))))
    throw new OptionError(
      `exportOnnx: the constant "${name}" depends on the length of an open axis; compute it from the inputs, or give that axis a number`,
    );
  const data = tensor.dtype === "f32" ? Float32Array.from(first) : Int32Array.from(first);
  g.define(tensor, g.initializer(`constant of ${tensor.id}`, `constant.${name}`, tensor.shape, data));
}

function valueInfo(name: string, tensor: Tensor, { axes, lengths }: TracedModel): NewMessage<"ValueInfoProto"> {
  const dim = lengths(tensor).map((length): NewMessage<"DimensionProto"> => {
    if (isFixed(length)) return { dimValue: length[0]! };
    const axis = [...axes].find(([, own]) => sameLength(own, length));
    // What is computed from an open axis has no name.
    return axis ? { dimParam: axis[0] } : {};
  });
  const elemType = tensor.dtype === "f32" ? elementTypes.FLOAT : elementTypes.INT32;
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}
