import { OptionError, ShapeError } from "../errors.ts";
import { type Shape, type StateDict, sameShape, showShape, sizeOf, type TensorData } from "../tensor-data.ts";
import {
  type Conversion,
  checkConversion,
  type Link,
  linksOf,
  type Part,
  theirName,
  type WeightLayout,
  type WeightLayoutCell,
  type WeightLayoutOptions,
} from "./weight-formats.ts";

function checkNumbers(what: string, name: string, tensor: TensorData): void {
  const { shape, data } = tensor;
  if (!Array.isArray(shape) || !(data instanceof Float32Array || data instanceof Float64Array))
    throw new ShapeError(`${what}: ${name} is no tensor { shape, data } of a Float32Array or Float64Array`);
  if (data.length !== sizeOf(shape))
    throw new ShapeError(
      `${what}: ${name} has ${data.length} values, its shape ${showShape(shape)} needs ${sizeOf(shape)}`,
    );
}

const wrongShape = (what: string, name: string, shape: Shape, expected: string): ShapeError =>
  new ShapeError(`${what}: ${name} has shape ${showShape(shape)}, expected ${expected}`);

function checkShape(what: string, name: string, shape: Shape, expected: Shape): void {
  if (!sameShape(shape, expected)) throw wrongShape(what, name, shape, showShape(expected));
}

const listOf = (names: Iterable<string>): string => [...names].join(", ") || "none";

/** The shape of a matrix that must be there. */
function matrixOf(what: string, name: string, tensors: StateDict, axes: readonly string[]): Shape {
  const tensor = tensors[name];
  if (!tensor) throw new OptionError(`${what}: there is no ${name}; given are ${listOf(Object.keys(tensors))}`);
  checkNumbers(what, name, tensor);
  if (tensor.shape.length !== axes.length) throw wrongShape(what, name, tensor.shape, `[${axes.join(",")}]`);
  return tensor.shape;
}

/** H, from the rows of the recurrent matrix. */
function unitsOf(what: string, name: string, shape: Shape, rows: number, gates: number): number {
  if (rows < gates || rows % gates !== 0)
    throw wrongShape(what, name, shape, `${gates === 1 ? "H rows" : `${gates}*H rows, for ${gates} gates`}`);
  return rows / gates;
}

/** Keras has two biases only where the reset gate stands between the products. */
const hasOneBias = ({ format, cell }: Conversion, { resetAfter = true }: WeightLayoutOptions): boolean =>
  format.biases === "rows" && !(cell === "gru" && resetAfter);

/** @throws ShapeError for the bias of a Keras GRU that resets elsewhere */
function checkReset(what: string, name: string, shape: Shape, expected: Shape): void {
  const other = expected.length === 2 ? expected.slice(1) : [2, ...expected];
  if (!name.endsWith("bias") || !sameShape(shape, other)) return;
  const wayOut =
    expected.length === 2
      ? "that is reset_after=False: build new GRU({ resetAfter: false }), and give resetAfter: false here too"
      : "that is reset_after=True, the default of Keras and of GRU: leave resetAfter out in both";
  throw wrongShape(what, name, shape, `${showShape(expected)}; ${wayOut}`);
}

/** Calls `pair` for each element of a tensor of ours with its place there and in theirs. */
function eachElement({ shape, at }: Link, pair: (ours: number, theirs: number, sign: number) => void): void {
  const [rows = 0, columns = 1] = shape;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) pair(row * columns + column, ...at(row, column));
  }
}

const arrayFor = (tensors: StateDict) =>
  Object.values(tensors).some(({ data }) => data instanceof Float64Array) ? Float64Array : Float32Array;

/**
 * Turns the weights of a layer of another framework into those of one of our layers, exactly.
 *
 * T, B, I, H, D and G as everywhere: D directions, G gates, H units, I inputs.
 *
 * | layout | tensors | gates | source |
 * |---|---|---|---|
 * | `onnx` | `W [D,G*H,I]`, `R [D,G*H,H]`, `B [D,2*G*H]` (W's, then R's), `P [D,3*H]` | LSTM i o f c (P: i o f), GRU z r h | [ONNX LSTM](https://onnx.ai/onnx/operators/onnx__LSTM.html), [GRU](https://onnx.ai/onnx/operators/onnx__GRU.html), [RNN](https://onnx.ai/onnx/operators/onnx__RNN.html) |
 * | `keras` | `kernel [I,G*H]`, `recurrent_kernel [H,G*H]`, `bias [G*H]`, of a GRU that resets after the product `[2,3*H]`; of a Bidirectional `forward_layer/kernel` and so on, and `backward_layer/kernel` | LSTM i f c o, GRU z r h | [Keras LSTM](https://keras.io/api/layers/recurrent_layers/lstm/), [GRU](https://keras.io/api/layers/recurrent_layers/gru/) |
 * | `webnn` | `weight [D,G*H,I]`, `recurrentWeight [D,G*H,H]`, `bias` and `recurrentBias [D,G*H]`, `peepholeWeight [D,3*H]` | LSTM i o f g or i f g o (peepholes i o f either way), GRU z r n or r z n | [WebNN lstm](https://www.w3.org/TR/webnn/#api-mlgraphbuilder-lstm), [gru](https://www.w3.org/TR/webnn/#api-mlgraphbuilder-gru) |
 * | `pytorch` | `weight_ih_l0 [G*H,I]`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, `weight_hr_l0 [P,H]`; the second direction's end in `_reverse` | LSTM i f g o, GRU r z n | [torch.nn.LSTM](https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html) |
 *
 * PyTorch's state dicts need no conversion, as names and orders are ours; the entry puts a layer elsewhere or checks it.
 *
 * What has no place with them becomes 0 here: Keras's one bias becomes `bias_ih`, with `bias_hh` 0, and so does a WebNN
 * layer with one of its biases. Without any bias ours has none either: build the module with `bias: false`.
 * An ONNX LSTM with `input_forget` (`coupledGates`) computes f = 1 - i and our module i = 1 - f: its i becomes our f with
 * the sign changed, which is the same if the gates' activation is the Sigmoid; ONNX's weights of f are unused there and dropped.
 * WebNN's reference lets the output gate's peephole see the cell before the step, ONNX's and ours the cell after it.
 *
 * **What the layer computes is not in its weights**: build ours with the options that theirs has. A GRU that resets before the
 * product has tensors of the same shapes as one that resets after it, and computes something else. Ours resets after it unless
 * built with `resetAfter: false`, which ONNX's `linear_before_reset=0` (its default), WebNN's `resetAfter: false` and Keras's
 * `reset_after=False` need. Keras's bias tells them separate, so that one needs `resetAfter: false` here too, and a bias that says
 * otherwise is refused.
 *
 * Pure: `tensors` stays as it is. All results are Float32Arrays, or Float64Arrays if any of the tensors is one.
 *
 * @param layout whose weights they are
 * @param cell which layer
 * @param tensors its tensors by the names above
 * @param options which of our layers they become
 * @returns the layer's part of a state dict; spread several into one for a model of several layers
 * @throws OptionError for an unknown layout, cell or option, a tensor that is missing or has no meaning there (peepholes in a GRU)
 * @throws ShapeError for a tensor of another shape or type, or a Keras GRU whose bias contradicts `resetAfter`
 * @example
 * A Keras GRU(64, reset_after=False), saved by its weights' names, into the field `encoder` of a model:
 * ```ts
 * const imported = importWeights("keras", "gru", readSafetensors(bytes).tensors, { path: "encoder", resetAfter: false });
 * // model.encoder = new GRU({ inputSize: 16, hiddenSize: 64, batchFirst: true, resetAfter: false })
 * runtime.loadStateDict(model, { ...(await runtime.stateDict(model)), ...imported });
 * ```
 */
export function importWeights(
  layout: WeightLayout,
  cell: WeightLayoutCell,
  tensors: StateDict,
  options: WeightLayoutOptions = {},
): StateDict {
  const conversion = checkConversion(layout, cell, options);
  const { what, format, order } = conversion;
  const { direction, transposed } = format;
  const has = (name: string) => Object.hasOwn(tensors, name);
  const named = direction && has(theirName(format, "weight_hh", 1, 2)) ? 2 : 1;
  const name = (part: Part) => theirName(format, part, 0, named);
  const axes = [...(direction ? [] : ["D"]), ...(transposed ? ["columns", "G*H"] : ["G*H", "columns"])];
  const w = matrixOf(what, name("weight_ih"), tensors, axes);
  const r = matrixOf(what, name("weight_hh"), tensors, axes);
  const D = direction ? named : r[0]!;
  if (D !== 1 && D !== 2) throw wrongShape(what, name("weight_hh"), r, "1 or 2 directions");
  const [rowAxis, columnAxis] = transposed ? [-1, -2] : [-2, -1];
  const H = unitsOf(what, name("weight_hh"), r, r.at(rowAxis)!, order.length);
  const projected = format.names.weight_hr !== undefined && has(name("weight_hr"));
  const R = projected ? r.at(columnAxis)! : H;
  const bias = tensors[name("bias_ih")] ?? tensors[name("bias_hh")];
  const oneBias = hasOneBias(conversion, options);
  const links = linksOf(conversion, {
    D,
    H,
    I: w.at(columnAxis)!,
    R,
    projected,
    biases: bias === undefined ? 0 : oneBias ? 1 : 2,
    peepholes: cell === "lstm" && format.names.peephole !== undefined && has(name("peephole")),
  });
  const known = new Map(links.map((link) => [link.theirs, link.theirShape]));
  for (const [theirs, tensor] of Object.entries(tensors)) {
    const expected = known.get(theirs);
    if (!expected)
      throw new OptionError(`${what}: ${theirs} has no meaning there; expected are ${listOf(known.keys())}`);
    checkNumbers(what, theirs, tensor);
    if (layout === "keras" && cell === "gru") checkReset(what, theirs, tensor.shape, expected);
    checkShape(what, theirs, tensor.shape, expected);
  }
  const Data = arrayFor(tensors);
  const dict: StateDict = {};
  for (const link of links) {
    const source = tensors[link.theirs];
    // A WebNN layer may have one of its biases; the other one is 0.
    if (!source && !(link.ours.includes("bias_") && layout === "webnn"))
      throw new OptionError(`${what}: there is no ${link.theirs}; given are ${listOf(Object.keys(tensors))}`);
    const data = new Data(sizeOf(link.shape));
    if (source && !link.added) {
      eachElement(link, (ours, theirs, sign) => {
        data[ours] = sign * source.data[theirs]!;
      });
    }
    dict[link.ours] = { shape: link.shape, data };
  }
  return dict;
}

/**
 * Turns the weights of one of our layers into those of another framework: {@link importWeights} the other way round, with
 * the same layouts and options. What was imported comes back bit for bit, except for what the framework's own layer ignores.
 *
 * Where they have one bias and we have two (Keras), theirs is the sum `bias_ih + bias_hh`, rounded to the array's type. It is
 * exact for weights that came from there, whose `bias_hh` is 0; for others the function is the same and the split is lost.
 * ONNX's forget gate, unused with `input_forget` (`coupledGates`), is 0.
 *
 * Pure: `dict` stays as it is. All results are Float32Arrays, or Float64Arrays if any tensor of the layer is one.
 *
 * @param layout whose weights they become
 * @param cell which layer it is
 * @param dict a state dict, of the whole model or the layer alone; other layers in it are passed over
 * @param options which of our layers it is
 * @returns the layer's tensors by the framework's names
 * @throws OptionError for an unknown layout, cell or option, a tensor that is missing, or one that the framework has no
 *   place for (layer normalisation, a learned initial state; peepholes in Keras and PyTorch, projections except in PyTorch)
 * @throws ShapeError for a tensor of another shape or type
 * @example
 * The second layer of a model's field `rnn`, an LSTM, as the inputs W, R and B of an ONNX node:
 * ```ts
 * const { W, R, B } = exportWeights("onnx", "lstm", await runtime.stateDict(model), { path: "rnn", layer: 1 });
 * ```
 */
export function exportWeights(
  layout: WeightLayout,
  cell: WeightLayoutCell,
  dict: StateDict,
  options: WeightLayoutOptions = {},
): StateDict {
  const conversion = checkConversion(layout, cell, options);
  const { what, format, gates, layer, prefix } = conversion;
  const own = new RegExp(`^\\w+_l${layer}(_reverse)?$`);
  const tensors: StateDict = Object.fromEntries(
    Object.entries(dict).filter(([name]) => name.startsWith(prefix) && own.test(name.slice(prefix.length))),
  );
  const name = (part: string, end = "") => `${prefix}${part}_l${layer}${end}`;
  const has = (part: string) => Object.hasOwn(tensors, name(part));
  const w = matrixOf(what, name("weight_ih"), tensors, ["G*H", "I"]);
  const r = matrixOf(what, name("weight_hh"), tensors, ["G*H", "H"]);
  const H = unitsOf(what, name("weight_hh"), r, r[0]!, gates.length);
  const projected = has("weight_hr") && format.names.weight_hr !== undefined;
  const oneBias = hasOneBias(conversion, options);
  const links = linksOf(conversion, {
    D: Object.hasOwn(tensors, name("weight_ih", "_reverse")) ? 2 : 1,
    H,
    I: w[1]!,
    R: projected ? r[1]! : H,
    projected,
    biases: !has("bias_ih") ? 0 : oneBias ? 1 : 2,
    peepholes: cell === "lstm" && format.names.peephole !== undefined && has("peephole_o"),
  });
  const known = new Map(links.map((link) => [link.ours, link.shape]));
  for (const [ours, tensor] of Object.entries(tensors)) {
    const expected = known.get(ours);
    if (!expected)
      throw new OptionError(`${what}: ${layout} has no place for ${ours}; it takes ${listOf(known.keys())}`);
    checkNumbers(what, ours, tensor);
    checkShape(what, ours, tensor.shape, expected);
  }
  const Data = arrayFor(tensors);
  const result: Record<string, { shape: Shape; data: Float32Array | Float64Array }> = {};
  for (const link of links) {
    const source = tensors[link.ours];
    if (!source) throw new OptionError(`${what}: there is no ${link.ours}; given are ${listOf(Object.keys(tensors))}`);
    result[link.theirs] ??= { shape: link.theirShape, data: new Data(sizeOf(link.theirShape)) };
    const { data } = result[link.theirs]!;
    eachElement(link, (ours, theirs, sign) => {
      const value = sign * source.data[ours]!;
      // Adding 0 would turn -0 into 0.
      if (!link.added) data[theirs] = value;
      else if (value !== 0) data[theirs]! += value;
    });
  }
  return result;
}
