import { dirname, join } from "node:path";
import { isZip, namesInZip } from "../archive/zip.ts";
import { readBytes } from "../io/files.ts";
import { startingWeights } from "../nn/start-from.ts";
import { FileFormatError, type Module, OptionError, readSafetensors, type StateDict } from "../node.ts";
import { UsageError } from "./terminal.ts";

/** What a file of another framework holds, and what it became. */
export interface ImportedFile {
  /** What it is: "a Keras model", "a PyTorch checkpoint". */
  readonly kind: string;
  /** What else there is to say, such as state dicts that were not chosen, or a model's inputs. */
  readonly notes: readonly string[];
  /** A model's layers, where the file says them. */
  readonly layers: readonly { readonly name: string; readonly className: string }[];
  readonly tensors: StateDict;
  /** Element types in the file: of each tensor by name, or of all. */
  readonly stored: Readonly<Record<string, string>> | readonly string[];
}

/** How a file is recognised, by what is in it, and read; the importers are loaded when they are needed. */
interface Kind {
  readonly matches: (bytes: Uint8Array, path: string) => boolean;
  readonly read: (bytes: Uint8Array, path: string, key: string | undefined) => Promise<ImportedFile>;
}

const begins = (bytes: Uint8Array, ...signature: readonly number[]) => signature.every((byte, i) => bytes[i] === byte);
const hasFile = (bytes: Uint8Array, path: string, name: RegExp) =>
  isZip(bytes) && namesInZip(bytes, path).some((one) => name.test(one));
const firstText = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(0, 64)).trimStart()[0];

const kinds: readonly Kind[] = [
  { matches: (bytes, path) => hasFile(bytes, path, /^config\.json$/), read: readKeras },
  { matches: (bytes) => begins(bytes, 0x89, 0x48, 0x44, 0x46), read: readKeras },
  { matches: (bytes) => isZip(bytes) || begins(bytes, 0x80), read: readTorch },
  { matches: (bytes) => begins(bytes.subarray(8), 0x7b), read: readOwn },
  { matches: (bytes) => firstText(bytes) === "{", read: readTensorFlowJs },
  // The first field of an ONNX file is its version, a number.
  { matches: (bytes) => begins(bytes, 0x08), read: readOnnx },
];

/**
 * Reads a file by what it is, whatever its name.
 * @param key which state dict of a PyTorch checkpoint
 * @throws FileFormatError when it is none that is known, or damaged; UsageError for a key that it has no use for
 */
export async function importFile(path: string, key: string | undefined): Promise<ImportedFile> {
  const bytes = await readBytes(path);
  const kind = kinds.find(({ matches }) => matches(bytes, path));
  if (!kind)
    throw new FileFormatError(
      `${path}: is none of what can be imported: PyTorch (.pt, .pth), Keras (.keras, .h5), TensorFlow.js (model.json), ONNX (.onnx), safetensors`,
    );
  if (key !== undefined && kind.read !== readTorch)
    throw new UsageError("--key is for PyTorch files, which may hold several state dicts");
  return kind.read(bytes, path, key);
}

async function readTorch(bytes: Uint8Array, path: string, key: string | undefined): Promise<ImportedFile> {
  const { readPyTorch } = await import("../pytorch/index.ts");
  const file = readPyTorch(bytes, path);
  const paths = Object.keys(file.stateDicts);
  const list = paths.map((one) => JSON.stringify(one)).join(", ");
  if (key === undefined && paths.length > 1)
    throw new UsageError(`${path}: holds ${paths.length} state dicts, ${list}; choose one with --key`);
  const tensors = file.stateDict(key);
  const chosen = key ?? paths[0]!;
  return {
    kind: chosen === "" ? "a PyTorch state dict" : `a PyTorch checkpoint, its state dict ${JSON.stringify(chosen)}`,
    notes: paths.length > 1 ? [`state dicts in it: ${list}`] : [],
    layers: [],
    tensors,
    stored: Object.fromEntries(Object.entries(tensors).map(([name, { dtype }]) => [name, dtype])),
  };
}

async function readKeras(bytes: Uint8Array, path: string): Promise<ImportedFile> {
  const { importKeras, kerasStateDict, readKerasWeights } = await import("../keras/index.ts");
  const weights = readKerasWeights(bytes, path);
  const stored = [
    ...new Set(Object.values(weights).flatMap((layer) => Object.values(layer).map(({ dtype }) => dtype))),
  ];
  if (isZip(bytes) || hasDescription(bytes)) {
    const model = importKeras(bytes, { name: path });
    return { ...ofModel("a Keras model", model), layers: model.layerClasses, stored };
  }
  const names = Object.keys(weights).filter((name) => Object.keys(weights[name]!).length > 0);
  return {
    kind: "weights of a Keras model, without its description",
    notes: [`layers with weights: ${names.join(", ")}`],
    layers: [],
    tensors: kerasStateDict(weights),
    stored,
  };
}

/** Whether an HDF5 file has the attribute model_config: its name stands in the header of the root. */
const hasDescription = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes("model_config\0");

async function readTensorFlowJs(bytes: Uint8Array, path: string): Promise<ImportedFile> {
  const { importTensorFlowJs } = await import("../keras/index.ts");
  const folder = dirname(path);
  const model = await importTensorFlowJs(bytes, (shard) => readBytes(join(folder, shard)), { name: path });
  return { ...ofModel("a TensorFlow.js LayersModel", model), layers: model.layerClasses };
}

async function readOnnx(bytes: Uint8Array, path: string): Promise<ImportedFile> {
  const { importOnnx, inspectOnnx } = await import("../onnx/index.ts");
  const { producer, opset, operators, inputs, outputs } = inspectOnnx(bytes);
  const values = (all: typeof inputs) =>
    all.map(({ name, shape }) => `${name} [${shape?.join(",") ?? "?"}]`).join(", ");
  const model = importOnnx(bytes, { name: path });
  return {
    kind: `an ONNX graph of ${producer || "an unknown producer"}, opset ${opset}`,
    notes: [
      `inputs ${values(inputs)}`,
      `outputs ${values(outputs)}`,
      `operators: ${Object.entries(operators)
        .map(([operator, count]) => `${count} ${operator}`)
        .join(", ")}`,
    ],
    layers: [],
    tensors: startingWeights(model),
    stored: [],
  };
}

async function readOwn(bytes: Uint8Array, path: string): Promise<ImportedFile> {
  const { tensors, metadata } = readSafetensors(bytes, path);
  const names = Object.keys(metadata);
  return {
    kind: "safetensors",
    notes: names.length > 0 ? [`metadata: ${names.join(", ")}`] : [],
    layers: [],
    tensors,
    stored: [],
  };
}

function ofModel(
  kind: string,
  model: Module & { readonly inputNames: readonly string[]; readonly outputNames: readonly string[] },
): ImportedFile {
  const notes = [`inputs ${model.inputNames.join(", ")}`, `outputs ${model.outputNames.join(", ")}`];
  return { kind, notes, layers: [], tensors: startingWeights(model), stored: [] };
}

/** An error where nothing was found to write. @throws OptionError */
export function checkTensors(path: string, tensors: StateDict): void {
  if (Object.keys(tensors).length === 0)
    throw new OptionError(`${path}: holds no tensors, so there is nothing to write`);
}
