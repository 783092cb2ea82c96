import type { Tensor } from "../graph/tensor.ts";
import { exportWeights, type StateDict, type WeightLayoutCell } from "../index.ts";
import type { StepOptions } from "../kernels/recurrence.ts";
import { sizeOf, type TensorData } from "../tensor-data.ts";
import { type Attribute, type GraphWriter, Refusal, Refusals } from "./export-graph.ts";
import type { TracedNode } from "./export-trace.ts";
import type { ModelWeights } from "./export-weights.ts";

/** What a cell's name says of it: the package's cells have their options in brackets. */
interface CellOptions {
  readonly cell: WeightLayoutCell;
  readonly resetAfter: boolean;
  readonly coupledGates: boolean;
  /** ONNX's f, g and h, of each direction. */
  readonly activations: readonly (readonly Activation[])[];
  readonly clip: number | undefined;
}

interface Activation {
  readonly name: string;
  readonly alpha: number | undefined;
  readonly beta: number | undefined;
}

const defaults = { lstm: ["Sigmoid", "Tanh", "Tanh"], gru: ["Sigmoid", "Tanh"], rnn: ["Tanh"] } as const;
const operators = { lstm: "LSTM", gru: "GRU", rnn: "RNN" } as const;

const notThere = "use LSTM, GRU or RNN without it, or run the model here";

/** Reads a cell's name. @throws Refusal for a cell, or an option of one, that ONNX does not have */
export function readCell(name: string): CellOptions {
  const [, cell, inside] = /^(lstm|gru|rnn)(?:\((.*)\))?$/.exec(name) ?? [];
  if (cell === undefined)
    throw new Refusal(`the cell ${name}: ONNX has LSTM, GRU and RNN`, "train one of these, or run the model here");
  const kind = cell as WeightLayoutCell;
  const keys: string[] = [...defaults[kind]];
  let [resetAfter, coupledGates] = [true, false];
  for (const part of inside === undefined ? [] : inside.split(", ")) {
    const [, place, key] = /^([fgh]) (.+)$/.exec(part) ?? [];
    if (part === "reset before") resetAfter = false;
    else if (part === "coupled") coupledGates = true;
    else if (part === "layer norm") throw new Refusal(`layer normalisation inside the cell ${kind}`, notThere);
    else if (part.startsWith("c clipped at ")) throw new Refusal("cellClip, a limit of c", notThere);
    else if (kind === "rnn") keys[0] = part;
    else if (key !== undefined) keys["fgh".indexOf(place!)] = key;
    else if (part !== "peepholes") throw new Refusal(`the cell ${name}, whose option ${part} is not known`, notThere);
  }
  const read = keys.map((key) => key.split("/").map(readActivation));
  const clip = read[0]?.[0]?.clip;
  // ONNX's text wants c cut before its activation as well, which is what ours does.
  if (kind === "lstm" && clip !== undefined)
    throw new Refusal("clip of an LSTM: ONNX Runtime does not cut c before h is made of it, and we do", notThere);
  const directions = Math.max(...read.map((both) => both.length));
  return {
    cell: kind,
    resetAfter,
    coupledGates,
    activations: Array.from({ length: directions }, (_, d) => read.map((both) => both[d] ?? both[0]!)),
    clip,
  };
}

/** `HardSigmoid(0.2,0.5)|3|`: a name, its parameters, and what its input is cut to. */
function readActivation(key: string): Activation & { readonly clip: number | undefined } {
  const [, name, values, clip] = /^(\w+)(?:\(([^)]*)\))?(?:\|(.+)\|)?$/.exec(key) ?? [];
  if (name === undefined) throw new Refusal(`the activation ${key}`, notThere);
  const [alpha, beta] = values === undefined ? [] : values.split(",").map(Number);
  return { name, alpha, beta, clip: clip === undefined ? undefined : Number(clip) };
}

interface Attributes {
  readonly cell: string;
  readonly D: number;
  readonly H: number;
  readonly P: number;
  readonly I: number;
  readonly backwards: number;
  readonly options: StepOptions;
}

/** A recurrent layer in one direction or two as an LSTM, GRU or RNN node. */
export function writeRecurrent(g: GraphWriter, { node, attributes }: TracedNode, weights: ModelWeights): void {
  const [x, wih, whh, bih, bhh, learned, whr, h0, cellStates0, mask] = node.inputs;
  const [y, hn, cellStatesN] = node.outputs as [Tensor, Tensor, Tensor];
  const [{ cell, D, H, I, backwards, options }] = attributes as readonly [Attributes];
  const { label } = node;
  const refused: Refusal[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      refused.push(fault);
      return undefined;
    }
  };
  if (whr) refused.push(new Refusal("a projection (projSize): ONNX's LSTM has none", notThere));
  if (options.zoneoutH > 0 || options.zoneoutCell > 0)
    refused.push(new Refusal("zoneout, whose expectation is a part of every step", notThere));
  const known = attempt(() => readCell(cell));
  const lengths = attempt(() => lengthsOf(mask, options));
  if (!known || refused.length > 0) throw new Refusals(refused);
  const { W, R, B, P } = packed([wih, whh, bih, bhh, learned], weights, known, { D, H, heads: options.numHeads });
  const constant = (name: string, tensor: TensorData | undefined) =>
    tensor && g.initializer(`${name} of ${wih!.id}`, `${label}.${name}`, tensor.shape, Float32Array.from(tensor.data));
  const directions = known.activations.length < D ? [known.activations[0]!, known.activations[0]!] : known.activations;
  const used = directions.slice(0, D).flat();
  const isPlain = used.every(({ name }, i) => name === defaults[known.cell][i % defaults[known.cell].length]);
  const numbers = (which: "alpha" | "beta") => used.flatMap((one) => (one[which] === undefined ? [] : [one[which]]));
  const optional: Record<string, Attribute | undefined> = {
    activations: isPlain ? undefined : { texts: used.map(({ name }) => name) },
    activation_alpha: numbers("alpha").length > 0 ? { floats: numbers("alpha") } : undefined,
    activation_beta: numbers("beta").length > 0 ? { floats: numbers("beta") } : undefined,
    clip: known.clip === undefined ? undefined : { float: known.clip },
    input_forget: known.coupledGates ? { int: 1 } : undefined,
    linear_before_reset: known.cell === "gru" && known.resetAfter ? { int: 1 } : undefined,
  };
  const direction = backwards === 2 ? "bidirectional" : backwards === 1 ? "reverse" : "forward";
  const all: Record<string, Attribute> = { hidden_size: { int: H }, direction: { text: direction } };
  for (const [name, value] of Object.entries(optional)) if (value) all[name] = value;

  const flat = (tensor: Tensor) => {
    // The cell state has one axis more here: ours lists the states besides h.
    const axes = g.lengths(tensor);
    return g.reshape(g.value(tensor), axes, axes.slice(1));
  };
  const inputs = [
    x!.dtype === "i32" ? oneHot(g, x!, I, label) : g.value(x!),
    constant("W", W),
    constant("R", R),
    constant("B", B),
    lengths && g.value(lengths),
    h0 && g.value(h0),
    ...(known.cell === "lstm" ? [cellStates0 && flat(cellStates0), constant("P", P)] : []),
  ];
  const isLSTM = known.cell === "lstm";
  const [sequence, , last] = g.nodes(operators[known.cell], inputs, [undefined, hn, ...(isLSTM ? [undefined] : [])], {
    attributes: all,
    label,
  });
  // [T,D,B,H]
  if (D === 1) g.node("Squeeze", [sequence!, g.ints([1])], { to: y });
  else {
    const turned = g.node("Transpose", [sequence!], { attributes: { perm: { ints: [0, 2, 1, 3] } }, label });
    g.node("Reshape", [turned, g.ints([0, 0, D * H])], { to: y });
  }
  if (last !== undefined) g.reshape(last, g.lengths(cellStatesN).slice(1), g.lengths(cellStatesN), cellStatesN);
}

/** The lengths that a mask was made of. @throws Refusal for any other mask */
function lengthsOf(mask: Tensor | undefined, options: StepOptions): Tensor | undefined {
  if (!mask) return undefined;
  const { node } = mask;
  const [lengths, own] = node?.op.name === "sequence-mask" ? node.inputs : [];
  if (!lengths || own)
    throw new Refusal(
      "a mask of its steps: ONNX's recurrent layers take lengths only",
      "give it lengths in place of a mask",
    );
  if (options.maskedOutput === "hold")
    throw new Refusal(
      'maskedOutput "hold": ONNX puts zeros out beyond the length',
      'build it with maskedOutput "zero"',
    );
  return lengths;
}

/** Tokens as one-hot vectors of I numbers. */
function oneHot(g: GraphWriter, tokens: Tensor, I: number, label: string): string {
  const values = g.constant("off_on", [2], Float32Array.of(0, 1));
  const depth = g.constant(`i32.${I}`, [], Int32Array.of(I));
  return g.node("OneHot", [g.value(tokens), depth, values], { attributes: { axis: { int: -1 } }, label });
}

/** The weights as ONNX's W, R, B and P. */
function packed(
  tensors: readonly (Tensor | undefined)[],
  weights: ModelWeights,
  { cell, coupledGates, activations }: CellOptions,
  { D, H, heads }: { readonly D: number; readonly H: number; readonly heads: number },
): StateDict {
  const dict: StateDict = {};
  for (const tensor of tensors) {
    for (const [name, part] of tensor ? weights.parts(tensor) : []) {
      const isR = name.startsWith("weight_hh");
      // Every layer as the first of its own module.
      dict[name.replace(/_l\d+/, "_l0")] = isR && heads > 1 ? acrossHeads(part, H, heads) : part;
    }
  }
  const gates = new Set(activations.slice(0, D).map((one) => one[0]!.name));
  if (coupledGates && (gates.size > 1 || !gates.has("Sigmoid")))
    throw new Refusal("coupled gates with another activation than Sigmoid: ONNX couples them the other way", notThere);
  return exportWeights("onnx", cell, dict, coupledGates ? { coupledGates } : {});
}

/** `[G*H,H/heads]`, the blocks on the diagonal of R, as all of R, `[G*H,H]`. */
function acrossHeads({ shape, data }: TensorData, H: number, heads: number): TensorData {
  const [rows, width] = shape as [number, number];
  const whole = new Float32Array(sizeOf([rows, H]));
  for (let row = 0; row < rows; row++) {
    const from = Math.floor(((row % H) * heads) / H) * width;
    for (let column = 0; column < width; column++) whole[row * H + from + column] = data[row * width + column]!;
  }
  return { shape: [rows, H], data: whole };
}
