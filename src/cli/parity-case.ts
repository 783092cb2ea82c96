/** Reads parity cases, strictly: the format of docs/cases.md. */
import { type FullCell, gruCell, lstmCell, rnnCell } from "../cells/index.ts";
import { type CharModelCell, charModelCells } from "../char-model/char-model.ts";
import { checkCount, checkNumber, FileFormatError, LEAST, OptionError, shown } from "../errors.ts";
import { readJson } from "../io/read-json.ts";
import { readSafetensors } from "../io/safetensors.ts";
import { type DType, type Shape, type StateDict, sameShape, showShape } from "../tensor-data.ts";
import { adadelta, adagrad, rmsprop } from "../train/optimizers/adagrad.ts";
import { adam, adamax, adamW, nadam, radam } from "../train/optimizers/adam.ts";
import { asgd, rprop, sgd } from "../train/optimizers/sgd.ts";
import type { Optimizer } from "../train/optimizers.ts";

interface CommonFields {
  readonly cell: CharModelCell;
  readonly T: number;
  readonly B: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
}

export interface SequenceFields extends CommonFields {
  readonly kind: "sequence";
  readonly inputSize: number;
  readonly bias: boolean;
  readonly bidirectional: boolean;
  readonly projSize: number;
  readonly lengths: readonly number[] | null;
  readonly initialState: boolean;
}

export interface TrainFields extends CommonFields {
  readonly kind: "train";
  readonly vocabSize: number;
  readonly embeddingSize: number;
  readonly steps: number;
  readonly optimizer: Optimizer;
  readonly clipGradNorm: number | null;
}

export interface ParityCase {
  readonly fields: SequenceFields | TrainFields;
  readonly tensors: StateDict;
}

type Check = (name: string, value: unknown) => unknown;

function need(condition: boolean, name: string, value: unknown, expected: string): void {
  if (condition) return;
  throw new FileFormatError(`field "${name}" is ${JSON.stringify(value)}, expected ${expected}`);
}

const count: Check = (name, value) => checkCount("case", name, value);
const countOrZero: Check = (name, value) => checkCount("case", name, value, 0);
const flag: Check = (name, value) => {
  need(typeof value === "boolean", name, value, "true or false");
  return value;
};
const oneOf =
  (...known: readonly string[]): Check =>
  (name, value) => {
    need(known.includes(value as string), name, value, `one of ${known.join(", ")}`);
    return value;
  };
/** A field in words says what the case means; other words would mean something else. */
const words =
  (expected: string): Check =>
  (name, value) => {
    need(value === expected, name, value, `"${expected}", which is all that there is`);
    return value;
  };
const text: Check = (name, value) => {
  need(typeof value === "string", name, value, "a text");
  return value;
};

const common: Readonly<Record<string, Check>> = {
  cell: oneOf(...charModelCells),
  T: count,
  B: count,
  hiddenSize: count,
  numLayers: count,
};

const sequenceChecks: Readonly<Record<string, Check>> = {
  ...common,
  inputSize: count,
  bias: flag,
  bidirectional: flag,
  projSize: countOrZero,
  lengths: (name, value) => {
    need(value === null || (Array.isArray(value) && value.every(Number.isSafeInteger)), name, value, "null or counts");
    return value;
  },
  initialState: flag,
};

const trainChecks: Readonly<Record<string, Check>> = {
  ...common,
  vocabSize: count,
  embeddingSize: count,
  steps: count,
  optimizer: text,
  optimizerOptions: (name, value) => {
    need(typeof value === "object" && value !== null && !Array.isArray(value), name, value, "an object");
    return value;
  },
  clipGradNorm: (name, value) => (value === null ? null : checkNumber("case", name, value, LEAST)),
};

/** Fields that a case may leave out. */
const optionalChecks: Readonly<Record<"sequence" | "train", Readonly<Record<string, Check>>>> = {
  sequence: {
    loss: words("sum(y*gradout.y) + sum(hn*gradout.hn) [+ sum(cn*gradout.cn)]"),
    layout: words("[T,B,C]"),
    source: text,
  },
  train: {
    loss: words("mean cross-entropy over T*B"),
    layout: words("tokens [steps*T+1, B]; step s reads rows s*T..(s+1)*T-1, target is the next row"),
    truncatedBPTT: words("state carried and detached between steps"),
    source: text,
  },
};

/** By torch.optim's names in small letters. */
const makers: Readonly<Record<string, (options: never) => Optimizer>> = {
  sgd,
  adam,
  adamw: adamW,
  rmsprop,
  adagrad,
  adamax,
  nadam,
  radam,
  adadelta,
  asgd,
  rprop,
};

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** torch.optim's options have our names in snake case; the optimizer itself refuses what it does not know. */
function optimizerOf(name: string, given: Readonly<Record<string, unknown>>): Optimizer {
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (!make)
    throw new FileFormatError(`field "optimizer" is "${name}", expected one of ${Object.keys(makers).join(", ")}`);
  for (const option of Object.keys(given)) {
    if (option !== option.toLowerCase()) throw new OptionError(`optimizerOptions: unknown option "${option}"`);
  }
  return make(Object.fromEntries(Object.entries(given).map(([key, value]) => [camelCase(key), value])) as never);
}

function checkFields(json: Readonly<Record<string, unknown>>): ParityCase["fields"] {
  const { kind, ...given } = json;
  if (kind !== "sequence" && kind !== "train")
    throw new FileFormatError(`field "kind" is ${JSON.stringify(kind)}, expected one of sequence, train`);
  const required = kind === "sequence" ? sequenceChecks : trainChecks;
  const optional = optionalChecks[kind];
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(required, name) && !Object.hasOwn(optional, name));
  if (unknown.length > 0) {
    throw new FileFormatError(
      `unknown field ${unknown.map((name) => `"${name}"`).join(", ")}: what it asks for would not be checked`,
    );
  }
  const missing = Object.keys(required).filter((name) => !Object.hasOwn(given, name));
  if (missing.length > 0) throw new FileFormatError(`missing field ${missing.map((name) => `"${name}"`).join(", ")}`);
  for (const [name, value] of Object.entries(given)) (required[name] ?? optional[name])?.(name, value);
  if (kind === "train") {
    const { optimizer, optimizerOptions, ...rest } = given;
    const made = optimizerOf(optimizer as string, optimizerOptions as Record<string, unknown>);
    return { kind, ...rest, optimizer: made } as TrainFields;
  }
  const fields = { kind, ...given } as SequenceFields;
  const { cell, projSize, lengths, T, B } = fields;
  need(projSize === 0 || cell === "lstm", "projSize", projSize, `0 for the cell ${cell}: only lstm has projections`);
  need(
    lengths === null || (lengths.length === B && lengths.every((n) => n >= 1 && n <= T)),
    "lengths",
    lengths,
    `null or ${B} counts from 1 to ${T}`,
  );
  return fields;
}

interface Expected {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly bits: 32 | 64;
}

const f32 = (...shape: number[]): Expected => ({ shape, dtype: "f32", bits: 32 });
const f64 = (...shape: number[]): Expected => ({ shape, dtype: "f32", bits: 64 });

/** Their cells in the engine. */
const cells: Readonly<Record<CharModelCell, FullCell>> = {
  lstm: lstmCell("LSTM"),
  gru: gruCell("GRU"),
  rnn_tanh: rnnCell("RNN"),
  rnn_relu: rnnCell("RNN", { nonlinearity: "relu" }),
};

/** Shapes of the recurrent layers' weights by PyTorch's names. */
function weightShapes(layers: {
  cell: CharModelCell;
  inputSize: number;
  hiddenSize: number;
  numLayers: number;
  bias: boolean;
  directions: number;
  projSize: number;
}): [name: string, shape: number[]][] {
  const { hiddenSize: H, directions: D, projSize } = layers;
  const GH = cells[layers.cell].gates.length * H;
  const P = projSize || H;
  const shapes: [string, number[]][] = [];
  for (let layer = 0; layer < layers.numLayers; layer++) {
    for (let direction = 0; direction < D; direction++) {
      const end = `_l${layer}${direction === 1 ? "_reverse" : ""}`;
      shapes.push([`weight_ih${end}`, [GH, layer === 0 ? layers.inputSize : D * P]], [`weight_hh${end}`, [GH, P]]);
      if (layers.bias) shapes.push([`bias_ih${end}`, [GH]], [`bias_hh${end}`, [GH]]);
      if (projSize > 0) shapes.push([`weight_hr${end}`, [P, H]]);
    }
  }
  return shapes;
}

function sequenceTensors(fields: SequenceFields): Record<string, Expected> {
  const { cell, T, B, inputSize, hiddenSize: H, numLayers: L } = fields;
  const D = fields.bidirectional ? 2 : 1;
  const P = fields.projSize || H;
  const sizes: Record<string, number> = { h: P, c: H };
  const { states } = cells[cell];
  const tensors: Record<string, Expected> = {
    "input.x": f32(T, B, inputSize),
    "gradout.y": f32(T, B, D * P),
    "expected.y": f64(T, B, D * P),
    "expected.grad.x": f64(T, B, inputSize),
  };
  for (const state of states) {
    const shape = [L * D, B, sizes[state] ?? H];
    tensors[`gradout.${state}n`] = f32(...shape);
    tensors[`expected.${state}n`] = f64(...shape);
    if (!fields.initialState) continue;
    tensors[`input.${state}0`] = f32(...shape);
    tensors[`expected.grad.${state}0`] = f64(...shape);
  }
  for (const [name, shape] of weightShapes({ ...fields, directions: D })) {
    tensors[`weight.${name}`] = f32(...shape);
    tensors[`expected.grad.${name}`] = f64(...shape);
  }
  return tensors;
}

function trainTensors(fields: TrainFields): Record<string, Expected> {
  const { T, B, steps, vocabSize: V, embeddingSize, hiddenSize: H, clipGradNorm } = fields;
  const layers = { ...fields, inputSize: embeddingSize, bias: true, directions: 1, projSize: 0 };
  const weights: [string, number[]][] = [
    ["embedding.weight", [V, embeddingSize]],
    ...weightShapes(layers).map(([name, shape]): [string, number[]] => [`rnn.${name}`, shape]),
    ["head.weight", [V, H]],
    ["head.bias", [V]],
  ];
  const tensors: Record<string, Expected> = {
    "input.tokens": { shape: [steps * T + 1, B], dtype: "i32", bits: 32 },
    "expected.losses": f64(steps),
  };
  if (clipGradNorm !== null) tensors["expected.gradNorms"] = f64(steps);
  for (const [name, shape] of weights) {
    tensors[`weight.${name}`] = f32(...shape);
    tensors[`expected.final.${name}`] = f64(...shape);
  }
  return tensors;
}

const kindOf = (data: StateDict[string]["data"]): string =>
  data instanceof Int32Array ? "I32" : data instanceof Float64Array ? "F64" : "F32";

function checkTensors(fields: ParityCase["fields"], tensors: StateDict): void {
  const names = Object.keys(tensors);
  // Each layer has at least two tensors; a larger number would only keep the loops busy.
  if (fields.numLayers * 2 > names.length) {
    throw new FileFormatError(`field "numLayers" is ${fields.numLayers}, but there are only ${names.length} tensors`);
  }
  const expected = fields.kind === "sequence" ? sequenceTensors(fields) : trainTensors(fields);
  const faults: string[] = [];
  const missing = Object.keys(expected).filter((name) => !Object.hasOwn(tensors, name));
  const unknown = names.filter((name) => !Object.hasOwn(expected, name));
  if (missing.length > 0) faults.push(`missing tensor ${missing.join(", ")}`);
  if (unknown.length > 0) faults.push(`unknown tensor ${unknown.join(", ")}`);
  for (const [name, { shape, dtype, bits }] of Object.entries(expected)) {
    const tensor = tensors[name];
    if (!tensor) continue;
    const is = `${kindOf(tensor.data)} ${showShape(tensor.shape)}`;
    const should = `${dtype === "i32" ? "I" : "F"}${bits} ${showShape(shape)}`;
    if (kindOf(tensor.data) !== should.split(" ")[0] || !sameShape(tensor.shape, shape))
      faults.push(`tensor ${name} is ${is}, expected ${should}`);
    else if (!tensor.data.every(Number.isFinite)) faults.push(`tensor ${name} holds a value that is not finite`);
  }
  if (faults.length > 0) throw new FileFormatError(faults.join("; "));
}

/**
 * Reads a parity case and checks every field and tensor.
 * @param bytes the whole file
 * @throws FileFormatError or OptionError when it is no case, or has a field, value or tensor that is missing, unknown or wrong
 */
export function readCase(bytes: Uint8Array | ArrayBuffer): ParityCase {
  const { tensors, metadata } = readSafetensors(bytes, "the file");
  if (!Object.hasOwn(metadata, "case"))
    throw new FileFormatError(
      `it has no __metadata__.case, so it is not a parity case; python/from_pytorch.py of this package makes one (docs/cases.md)`,
    );
  const json = readJson(metadata.case as string, "__metadata__.case");
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new FileFormatError(`__metadata__.case is ${shown(json)}, expected an object`);
  const fields = checkFields(json as Record<string, unknown>);
  checkTensors(fields, tensors);
  return { fields, tensors };
}
