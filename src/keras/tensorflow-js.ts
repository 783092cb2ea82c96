import { FileFormatError, shown } from "../errors.ts";
import { decodeFloat16 } from "../io/half.ts";
import { readJson } from "../io/read-json.ts";
import { decodeUtf8 } from "../io/utf8.ts";
import { showShape } from "../tensor-data.ts";
import { type GraphLayer, graphOf, isRecord } from "./config.ts";
import type { StoredTensor } from "./hdf5.ts";
import { majorOf } from "./import.ts";
import { buildModel, type KerasImportOptions, type KerasModel } from "./model.ts";
import { type LayerWeights, nameWeights } from "./weights.ts";

// The format of tf.LayersModel (https://www.tensorflow.org/js/guide/save_load): model.json has the model's description, as Keras 2
// writes it, and lists the weights one after the other, in groups. The bytes of a group are those of its files put together.

/** The files of weights by their paths in `model.json`, or a function that gets one of them. */
export type TensorFlowJsShards =
  | Readonly<Record<string, Uint8Array | ArrayBuffer>>
  | ReadonlyMap<string, Uint8Array | ArrayBuffer>
  | ((path: string) => Promise<Uint8Array | ArrayBuffer> | Uint8Array | ArrayBuffer);

interface ElementType {
  readonly bytes: number;
  decode(buffer: ArrayBuffer): ArrayLike<number>;
}

const types: Readonly<Record<string, ElementType>> = {
  float32: { bytes: 4, decode: (buffer) => new Float32Array(buffer) },
  float16: { bytes: 2, decode: (buffer) => decodeFloat16(new Uint16Array(buffer)) },
  int32: { bytes: 4, decode: (buffer) => new Int32Array(buffer) },
  uint16: { bytes: 2, decode: (buffer) => new Uint16Array(buffer) },
  uint8: { bytes: 1, decode: (buffer) => new Uint8Array(buffer) },
  bool: { bytes: 1, decode: (buffer) => new Uint8Array(buffer) },
};

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly count: number;
  readonly dtype: string;
  readonly type: ElementType;
  /** Numbers are `stored * scale + min`. */
  readonly scale: number;
  readonly min: number;
}

/**
 * Makes a model of ours from a TensorFlow.js LayersModel, with weights of float32, float16, and quantised to 8 or 16 bits.
 *
 * @param model `model.json`: its bytes, its text, or what it says
 * @param shards the files of weights by the paths that `model.json` gives (`group1-shard1of1.bin`), or a function that gets one,
 *   such as `async (path) => (await fetch(new URL(path, base))).arrayBuffer()`; each is asked for once, one after the other
 * @param options as of {@link importKeras}
 * @throws FileFormatError when a file is missing, has another size, or is damaged; for a GraphModel; and as {@link importKeras}
 */
export async function importTensorFlowJs(
  model: Uint8Array | ArrayBuffer | string | object,
  shards: TensorFlowJsShards,
  options: KerasImportOptions & { readonly name?: string } = {},
): Promise<KerasModel> {
  const { name = "model.json", ...others } = options;
  const json = parse(model, name);
  const topology = isRecord(json.modelTopology) ? json.modelTopology : undefined;
  if (json.format === "graph-model" || (topology && "node" in topology))
    throw new FileFormatError(
      `${name}: is a GraphModel, operations of TensorFlow; a LayersModel can be read: convert it with --output_format tfjs_layers_model`,
    );
  const description = topology && isRecord(topology.model_config) ? topology.model_config : topology;
  const graph = graphOf(description, name);
  const tensors = await readGroups(json.weightsManifest, shards, name);
  const byLayer = new Map<string, [string, StoredTensor][]>();
  const layers = new Set(graph.layers.map((layer) => layer.name));
  for (const [path, tensor] of tensors) {
    // The layer's name may itself have slashes, or stand behind that of the model.
    const steps = path.split("/");
    const layer = steps.find((step) => layers.has(step)) ?? [...layers].find((one) => path.startsWith(`${one}/`));
    if (layer === undefined)
      throw new FileFormatError(`${name}: has a weight ${shown(path)} of no layer; it is damaged`);
    byLayer.set(layer, [...(byLayer.get(layer) ?? []), [path, tensor]]);
  }
  const weightsOf = (layer: GraphLayer): LayerWeights => nameWeights(layer.name, byLayer.get(layer.name) ?? []);
  // TensorFlow.js computes as Keras 2 whatever Keras the model came from.
  const keras = Math.min(2, majorOf(topology?.keras_version, 2));
  return buildModel(graph, name, weightsOf, { ...others, keras });
}

function parse(model: Uint8Array | ArrayBuffer | string | object, name: string): Readonly<Record<string, unknown>> {
  const bytes = model instanceof ArrayBuffer ? new Uint8Array(model) : model;
  const text = bytes instanceof Uint8Array ? decodeUtf8(bytes, name, FileFormatError) : bytes;
  const json = typeof text === "string" ? readJson(text, name) : text;
  if (!isRecord(json)) throw new FileFormatError(`${name}: is no object, expected { modelTopology, weightsManifest }`);
  return json;
}

async function readGroups(
  manifest: unknown,
  shards: TensorFlowJsShards,
  name: string,
): Promise<[string, StoredTensor][]> {
  if (!Array.isArray(manifest)) throw new FileFormatError(`${name}: has no weightsManifest, so it is no LayersModel`);
  const tensors: [string, StoredTensor][] = [];
  const seen = new Set<string>();
  for (const group of manifest as unknown[]) {
    if (!isRecord(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights))
      throw new FileFormatError(
        `${name}: has a group of weights ${shown(group)}, expected { paths, weights }; it is damaged`,
      );
    const weights = group.weights.map((weight) => weightOf(weight, name));
    const needed = weights.reduce((sum, { count, type }) => sum + count * type.bytes, 0);
    const parts: Uint8Array[] = [];
    let length = 0;
    for (const path of group.paths as unknown[]) {
      const part = await shardAt(path, shards, name);
      length += part.length;
      if (length > needed) break;
      parts.push(part);
    }
    if (length !== needed)
      throw new FileFormatError(
        `${name}: ${group.paths.join(", ").slice(0, 200)} should have ${needed} bytes, and ${length > needed ? "has more" : `has ${length}`}; fetch or save the files again`,
      );
    const bytes = new Uint8Array(needed);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    at = 0;
    for (const weight of weights) {
      if (seen.has(weight.name))
        throw new FileFormatError(`${name}: has the weight ${shown(weight.name)} twice; it is damaged`);
      seen.add(weight.name);
      const size = weight.count * weight.type.bytes;
      tensors.push([weight.name, decode(weight, bytes.slice(at, at + size).buffer as ArrayBuffer)]);
      at += size;
    }
  }
  return tensors;
}

const MOST_AXES = 16;
/** Bytes of all weights of a group: more than one buffer can hold. */
const MOST_BYTES = 2 ** 32;

function weightOf(weight: unknown, what: string): Weight {
  const refuse = (why: string): never => {
    throw new FileFormatError(`${what}: has a weight ${why}; it is damaged, or cannot be imported`);
  };
  if (!isRecord(weight) || typeof weight.name !== "string" || !Array.isArray(weight.shape))
    return refuse(shown(weight));
  const { name, dtype, quantization } = weight;
  const shape = weight.shape as unknown[];
  const quantized = isRecord(quantization) ? quantization : undefined;
  const stored = quantized ? quantized.dtype : dtype;
  const type = typeof stored === "string" && Object.hasOwn(types, stored) ? types[stored] : undefined;
  if (!type) return refuse(`${shown(name)} of type ${shown(stored)}; known are ${Object.keys(types).join(", ")}`);
  if (shape.length > MOST_AXES || !shape.every((n) => typeof n === "number" && Number.isSafeInteger(n) && n >= 0))
    return refuse(`${shown(name)} of shape ${shown(shape)}`);
  const count = (shape as number[]).reduce((product, n) => product * n, 1);
  if (!(count * type.bytes <= MOST_BYTES))
    return refuse(`${shown(name)} of shape ${showShape(shape as number[])}, more than ${MOST_BYTES} bytes`);
  const isScaled = quantized !== undefined && quantized.dtype !== "float16";
  const { scale = 1, min = 0 } = isScaled ? quantized : {};
  if (
    typeof scale !== "number" ||
    typeof min !== "number" ||
    !Number.isFinite(Math.fround(65535 * Math.abs(scale) + Math.abs(min)))
  )
    return refuse(
      `${shown(name)} quantised with scale ${shown(scale)} and min ${shown(min)}, whose numbers f32 does not have`,
    );
  return { name, shape: shape as number[], count, dtype: String(stored), type, scale, min };
}

function decode({ shape, dtype, type, scale, min }: Weight, buffer: ArrayBuffer): StoredTensor {
  const stored = type.decode(buffer);
  const isPlain = scale === 1 && min === 0;
  const data =
    isPlain && stored instanceof Float32Array ? stored : Float32Array.from(stored, (value) => value * scale + min);
  return { shape, data, dtype };
}

async function shardAt(path: unknown, shards: TensorFlowJsShards, name: string): Promise<Uint8Array> {
  if (typeof path !== "string" || /^[a-z]+:|^[/\\]|\\|(^|\/)\.\.(\/|$)|\0/i.test(path) || path === "")
    throw new FileFormatError(`${name}: has a file of weights ${shown(path)}, which is no path beside it`);
  const found =
    typeof shards === "function"
      ? await shards(path)
      : shards instanceof Map
        ? shards.get(path)
        : Object.hasOwn(shards, path)
          ? (shards as Record<string, Uint8Array | ArrayBuffer>)[path]
          : undefined;
  if (found instanceof Uint8Array) return found;
  if (found instanceof ArrayBuffer) return new Uint8Array(found);
  throw new FileFormatError(`${name}: there is no file of weights ${shown(path)}; expected its bytes under this name`);
}
