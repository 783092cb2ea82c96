import { FileFormatError } from "../errors.ts";
import { readJson } from "../io/read-json.ts";
import { decodeUtf8 } from "../io/utf8.ts";
import { type GraphLayer, graphOf, isRecord } from "./config.ts";
import { openHdf5 } from "./hdf5.ts";
import { buildModel, type KerasImportOptions, type KerasModel } from "./model.ts";
import {
  fileOf,
  type KerasWeights,
  type LayerWeights,
  namedWeights,
  nameNumbered,
  numberedWeights,
  openArchive,
  weightsGroup,
} from "./weights.ts";

/**
 * Makes a model of ours from a whole model of Keras: `.keras`, or `.h5` with the model's description (`model.save`). Sequential and
 * functional models, by Keras 2 and 3; docs/keras.md lists the layers. The model has the file's weights.
 *
 * @param bytes the whole file
 * @param options see {@link KerasImportOptions}, and `name`: what errors call the file, such as its path
 * @throws FileFormatError when the file is truncated, damaged or holds weights alone (see {@link readKerasWeights}), or when a layer,
 *   an activation or an option is not known: all of them in one error
 * @example
 * ```ts
 * const model = importKeras(bytes);
 * const { output } = await runtime.predict(model, { shape: [1, 20, 8], data }); // [B,T,C], as in Keras
 * ```
 */
export function importKeras(
  bytes: Uint8Array | ArrayBuffer,
  options: KerasImportOptions & { readonly name?: string } = {},
): KerasModel {
  const { name = "Keras file", ...others } = options;
  const file = fileOf(bytes, name);
  return file[0] === 0x50 ? fromArchive(file, name, others) : fromHdf5(file, name, others);
}

function fromArchive(file: Uint8Array, name: string, options: KerasImportOptions): KerasModel {
  const { config, metadata, weights } = openArchive(file, name);
  const parse = (part: Uint8Array, what: string) =>
    readJson(decodeUtf8(part, `${name}: ${what}`, FileFormatError), `${name}: ${what}`);
  const graph = graphOf(parse(config, "config.json"), name);
  const about = metadata && parse(metadata, "metadata.json");
  const found = weightsGroup(openHdf5(weights, `${name}: model.weights.h5`));
  if (!found?.numbered) throw new FileFormatError(`${name}: its model.weights.h5 has no layers; it is damaged`);
  const byKey = new Map(numberedWeights(found.group).map((layer) => [layer.key, layer]));
  const keys = keysOf(graph.layers);
  const weightsOf = (layer: GraphLayer): LayerWeights => {
    const stored = byKey.get(keys.get(layer.name)!);
    if (!stored) return {};
    if (stored.name !== undefined && stored.name !== layer.name)
      throw new FileFormatError(
        `${name}: the weights ${stored.key} are those of "${stored.name}", and the model has "${layer.name}" there; it is damaged`,
      );
    return nameNumbered(stored, layer.config);
  };
  const keras = majorOf(isRecord(about) ? about.keras_version : undefined, 3);
  return buildModel(graph, name, weightsOf, { ...options, keras });
}

function fromHdf5(file: Uint8Array, name: string, options: KerasImportOptions): KerasModel {
  const root = openHdf5(file, name);
  const config = root.attribute("model_config");
  if (typeof config !== "string")
    throw new FileFormatError(
      `${name}: holds weights alone, without the description of a model; readKerasWeights reads them, or save the model with model.save(path)`,
    );
  const graph = graphOf(readJson(config, `${name}: model_config`), name);
  const found = weightsGroup(root);
  if (!found || found.numbered) throw new FileFormatError(`${name}: has no model_weights; it is damaged`);
  const weights: KerasWeights = namedWeights(found.group, name);
  const keras = majorOf(root.attribute("keras_version"), 2);
  return buildModel(graph, name, (layer) => weights[layer.name] ?? {}, { ...options, keras });
}

/** 3 of "3.15.1". */
export function majorOf(version: unknown, byDefault: number): number {
  const major = typeof version === "string" ? Number.parseInt(version, 10) : Number.NaN;
  return Number.isNaN(major) ? byDefault : major;
}

/** What Keras 3 calls the weights of each layer: its class in snake case, and how many of that class came before. */
function keysOf(layers: readonly GraphLayer[]): Map<string, string> {
  const used = new Map<string, number>();
  return new Map(
    layers.map(({ name, className }) => {
      const key = className
        .replace(/\W+/g, "")
        .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
        .replace(/([a-z])([A-Z])/g, "$1_$2")
        .toLowerCase();
      const before = used.get(key) ?? 0;
      used.set(key, before + 1);
      return [name, before === 0 ? key : `${key}_${before}`];
    }),
  );
}
