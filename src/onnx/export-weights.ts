import { LimitError, OptionError, StateDictError, shown } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Module, StateDict } from "../index.ts";
import { checkStateDict, modulesOf, type NamedPart, namedParts, namePaths } from "../nn/module.ts";
import { type Shape, sizeOf, type TensorData } from "../tensor-data.ts";

/** What Protocol Buffers hold in one message, in bytes, with room for the graph. */
const MOST_BYTES = 2 ** 31 - 2 ** 24;

/** A model's numbers by its parameters. */
export class ModelWeights {
  readonly #dict: StateDict;
  readonly #parts = new Map<unknown, NamedPart[]>();

  /** @throws StateDictError for other weights than the model's, LimitError for more than an ONNX file holds */
  constructor(model: Module, dict: StateDict) {
    const parts = namedParts(model);
    const bytes = 4 * parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (bytes > MOST_BYTES)
      throw new LimitError(
        `exportOnnx: the weights are ${bytes} bytes, and an ONNX file in one piece holds less than 2 GiB; export parts of the model`,
      );
    if (typeof dict !== "object" || dict === null)
      throw new StateDictError(`exportOnnx: weights are ${shown(dict)}, expected await runtime.stateDict(model)`);
    checkStateDict(model, dict);
    this.#dict = dict;
    for (const part of parts) {
      const own = this.#parts.get(part.parameter) ?? [];
      // A parameter that two modules share has its numbers under the names of both.
      if (own.every(({ offset }) => offset !== part.offset)) own.push(part);
      this.#parts.set(part.parameter, own);
    }
  }

  #of(tensor: Tensor): readonly NamedPart[] {
    const { source } = tensor;
    const parts = source?.kind === "parameter" ? this.#parts.get(source.parameter) : undefined;
    if (!parts)
      throw new OptionError("exportOnnx: forward reads a parameter that is not the model's; make its layer a field");
    return parts;
  }

  /** A parameter's name and all of its numbers. */
  whole(tensor: Tensor): { readonly name: string; readonly shape: Shape; readonly data: Float32Array } {
    const parts = this.#of(tensor);
    const [{ name, parameter }] = parts as [NamedPart];
    const data = new Float32Array(sizeOf(parameter.shape));
    for (const { name: own, offset } of parts) data.set(this.#dict[own]!.data, offset);
    return { name: parameter.parts ? parameter.name : name, shape: parameter.shape, data };
  }

  /** The parts of a parameter that bear names of their own, without the path. */
  parts(tensor: Tensor): readonly (readonly [name: string, TensorData])[] {
    return this.#of(tensor).map(({ name }) => [name.slice(name.lastIndexOf(".") + 1), this.#dict[name]!] as const);
  }
}

/** Calls with the model's modules named by their paths in it; a part of a larger model has its own names back afterwards. */
export function withPaths<R>(model: Module, call: () => R): R {
  const modules = new Set([model, ...modulesOf(model).values()]);
  const parameters = new Set(namedParts(model).map(({ parameter }) => parameter));
  const paths = [...modules].map((module) => [module, module.path] as const);
  const names = [...parameters].map((parameter) => [parameter, parameter.name] as const);
  for (const module of modules) module.path = "";
  namePaths(model);
  try {
    return call();
  } finally {
    for (const [module, path] of paths) module.path = path;
    for (const [parameter, name] of names) parameter.name = name;
  }
}
