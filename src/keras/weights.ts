import { readZip } from "../archive/zip.ts";
import { FileFormatError, shown } from "../errors.ts";
import { type Hdf5Group, openHdf5, type StoredTensor } from "./hdf5.ts";

// Three layouts. Whole models and weights as HDF5, by Keras 1 to 3 (`.h5`): the attribute layer_names, a group for each layer with
// the attribute weight_names, which are paths such as `lstm/lstm_cell/kernel:0`. Weights of Keras 3 (`.weights.h5`, and in
// `.keras`): groups `layers/lstm_1/cell/vars` with datasets 0, 1, … in the order in which the layer made them; the group bears the
// name of the layer's class, and vars has the layer's name as an attribute in later versions.

/** A layer's tensors by Keras's names: `kernel`, `recurrent_kernel`, `bias`, `gamma`, `forward_layer/kernel`, … */
export type LayerWeights = Record<string, StoredTensor>;

/** The weights of a file: by layer, in the order of the file. */
export type KerasWeights = Record<string, LayerWeights>;

/** Weights without names, as Keras 3 stores them: what lies under `layers/KEY`, by path (`cell`, `forward_layer/cell`, ``). */
export interface NumberedWeights {
  readonly key: string;
  /** The layer's name, where the file has it. */
  readonly name: string | undefined;
  readonly parts: ReadonlyMap<string, readonly StoredTensor[]>;
}

const MOST_LAYERS = 10_000;

/** The group with the weights of an HDF5 file, by which of the layouts they are stored. */
export function weightsGroup(root: Hdf5Group): { group: Hdf5Group; numbered: boolean } | undefined {
  const whole = root.group("model_weights") ?? root;
  if (listOf(whole, "layer_names") !== undefined) return { group: whole, numbered: false };
  const layers = root.group("layers") ?? root.group("_layer_checkpoint_dependencies");
  return layers ? { group: layers, numbered: true } : undefined;
}

/** An attribute with texts, or its pieces: Keras cuts what is longer than an HDF5 header allows into NAME0, NAME1, … */
function listOf(group: Hdf5Group, name: string): string[] | undefined {
  const whole = group.attribute(name);
  if (whole !== undefined) return textsOf(whole, name);
  const pieces: string[] = [];
  for (let i = 0; i < MOST_LAYERS; i++) {
    const piece = group.attribute(`${name}${i}`);
    if (piece === undefined) return i === 0 ? undefined : pieces;
    pieces.push(...textsOf(piece, name));
  }
  return pieces;
}

function textsOf(value: unknown, name: string): string[] {
  const list = Array.isArray(value) ? value : [value];
  if (!list.every((one) => typeof one === "string"))
    throw new FileFormatError(`the attribute ${name} is ${shown(value)}, expected names`);
  return list;
}

/** Weights with names. */
export function namedWeights(group: Hdf5Group, what: string): KerasWeights {
  const weights: [string, LayerWeights][] = [];
  for (const layer of listOf(group, "layer_names")!) {
    const own = group.group(layer);
    const paths = own && listOf(own, "weight_names");
    if (!own || !paths)
      throw new FileFormatError(`${what}: has no weights of the layer ${shown(layer)}, which it lists; it is damaged`);
    const tensors = paths.map((path): [string, StoredTensor] => [path, tensorAt(own, path, what)]);
    weights.push([layer, nameWeights(layer, tensors)]);
  }
  return Object.fromEntries(weights);
}

function tensorAt(group: Hdf5Group, path: string, what: string): StoredTensor {
  const steps = path.split("/");
  let at: Hdf5Group | undefined = group;
  for (const step of steps.slice(0, -1)) at = at?.group(step);
  const tensor = at?.tensor(steps.at(-1)!);
  if (!tensor) throw new FileFormatError(`${what}: has no weight ${shown(path)}, which it lists; it is damaged`);
  return tensor;
}

/** `bidirectional/forward_lstm/lstm_cell_1/kernel:0` is `forward_layer/kernel`, `lstm/kernel` `kernel`. */
export function nameWeights(layer: string, tensors: readonly (readonly [string, StoredTensor])[]): LayerWeights {
  const directionOf = (path: string) =>
    path
      .split("/")
      .slice(0, -1)
      .filter((part) => part !== layer)
      .map((part) => /^(forward|backward)_/.exec(part)?.[1])
      .find((direction) => direction !== undefined);
  const directions = tensors.map(([path]) => directionOf(path));
  const both = directions.includes("forward") && directions.includes("backward");
  const names = tensors.map(([path], i) => {
    const own = path.split("/").at(-1)!.replace(/:\d+$/, "");
    return both && directions[i] ? `${directions[i]}_layer/${own}` : own;
  });
  const distinct = new Set(names).size === names.length;
  return Object.fromEntries(tensors.map(([path, tensor], i) => [distinct ? names[i]! : path, tensor]));
}

/** Weights of Keras 3, which have numbers. */
export function numberedWeights(layers: Hdf5Group): NumberedWeights[] {
  return layers.names.map((key) => {
    const layer = layers.group(key);
    const parts = new Map<string, StoredTensor[]>();
    const visit = (group: Hdf5Group, path: string) => {
      for (const name of group.names) {
        const inner = group.group(name);
        if (!inner) continue;
        if (name !== "vars") visit(inner, path === "" ? name : `${path}/${name}`);
        else parts.set(path, variablesOf(inner));
      }
    };
    if (layer) visit(layer, "");
    const name = layer?.group("vars")?.attribute("name");
    return { key, name: typeof name === "string" ? name : undefined, parts };
  });
}

function variablesOf(vars: Hdf5Group): StoredTensor[] {
  const tensors: StoredTensor[] = [];
  for (let i = 0; i < vars.names.length; i++) {
    const tensor = vars.tensor(String(i));
    if (!tensor) break;
    tensors.push(tensor);
  }
  return tensors;
}

/** Which weights a layer makes, in its order; undefined of a switch that is not known. */
interface Switches {
  readonly use_bias?: unknown;
  readonly scale?: unknown;
  readonly center?: unknown;
}

/** What Keras calls the weights of a layer without names, from their number and axes and, where it is known, its config. */
export function nameNumbered(
  { key, parts }: NumberedWeights,
  { scale = true, center = true }: Switches = {},
): LayerWeights {
  const entries: [string, StoredTensor][] = [];
  for (const [path, tensors] of parts) {
    const prefix = /^(forward|backward)_layer/.exec(path)?.[0];
    const names = namesOf(key, path, tensors, { scale, center });
    for (const [i, tensor] of tensors.entries()) entries.push([prefix ? `${prefix}/${names[i]}` : names[i]!, tensor]);
  }
  return Object.fromEntries(entries);
}

function namesOf(key: string, path: string, tensors: readonly StoredTensor[], { scale, center }: Switches): string[] {
  const numbers = tensors.map((_, i) => String(i));
  if (path.endsWith("cell")) return ["kernel", "recurrent_kernel", "bias", ...numbers.slice(3)];
  if (key.startsWith("embedding")) return ["embeddings", ...numbers.slice(1)];
  if (tensors.length > 0 && tensors.every(({ shape }) => shape.length === 1)) {
    const learned = [...(scale === false ? [] : ["gamma"]), ...(center === false ? [] : ["beta"])];
    const running = tensors.length >= 2 && key.startsWith("batch_normalization");
    return [...learned, ...(running ? ["moving_mean", "moving_variance"] : []), ...numbers];
  }
  return ["kernel", "bias", ...numbers.slice(2)];
}

/**
 * The weights of a Keras file by the names of its layers, for {@link importWeights} and the docs' tables: whole models
 * (`.keras`, `.h5`) and weights alone (`.weights.h5`, `.h5` of `save_weights`), by Keras 2 and 3. Names of weights are Keras's,
 * without the path before them: `kernel`, `recurrent_kernel`, `bias`, `gamma`, …; of a Bidirectional `forward_layer/kernel` and so on.
 *
 * Keras 3 stores no names of weights: they follow from their number and axes. Its files before 3.8 have no names of layers
 * either; they are those of the groups then: the class with a number, `lstm_1`.
 *
 * @param bytes the whole file
 * @param name what errors call it, such as its path
 * @throws FileFormatError when it is truncated, damaged, or no file of Keras
 * @example
 * ```ts
 * const { lstm } = readKerasWeights(bytes);
 * runtime.loadStateDict(model, { ...(await runtime.stateDict(model)), ...importWeights("keras", "lstm", lstm!, { path: "rnn" }) });
 * ```
 */
export function readKerasWeights(bytes: Uint8Array | ArrayBuffer, name = "Keras file"): KerasWeights {
  const root = openHdf5(weightsFileOf(fileOf(bytes, name), name), name);
  const found = weightsGroup(root);
  if (!found)
    throw new FileFormatError(`${name}: is an HDF5 file without layer_names or layers, so Keras did not write it`);
  if (!found.numbered) return namedWeights(found.group, name);
  return Object.fromEntries(
    numberedWeights(found.group).map((layer) => [layer.name ?? layer.key, nameNumbered(layer)]),
  );
}

/** @throws FileFormatError for what is no bytes */
export function fileOf(bytes: Uint8Array | ArrayBuffer, name: string): Uint8Array {
  if (bytes instanceof Uint8Array) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw new FileFormatError(`${name}: expected the file's bytes as a Uint8Array or an ArrayBuffer`);
}

const WEIGHTS = "model.weights.h5";
const CONFIG = "config.json";
const METADATA = "metadata.json";

const isArchive = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** The HDF5 file: that in a `.keras` archive, or the file itself. */
const weightsFileOf = (file: Uint8Array, name: string): Uint8Array =>
  isArchive(file) ? openArchive(file, name).weights : file;

/** The files in a `.keras` archive. */
export function openArchive(
  file: Uint8Array,
  name: string,
): { config: Uint8Array; metadata: Uint8Array | undefined; weights: Uint8Array } {
  const files = readZip(file, name, (path) => [WEIGHTS, CONFIG, METADATA].includes(path));
  const part = (path: string) => {
    const found = files.get(path);
    if (!found) throw new FileFormatError(`${name}: is a zip archive without ${path}, so Keras did not write it`);
    return found;
  };
  return { config: part(CONFIG), metadata: files.get(METADATA), weights: part(WEIGHTS) };
}
