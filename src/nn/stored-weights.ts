import { OptionError, shown } from "../errors.ts";
import type { ParameterLayout } from "../graph/parameter-layout.ts";
import type { Backend } from "../plan/backend.ts";
import type { PackedDType, WeightDType } from "../tensor-data.ts";
import { Weights } from "./weights.ts";

/** What everything has that runs a model. */
export interface StoredOptions {
  /**
   * What `weight_hh` of recurrent layers are stored as; default "f32". "f16" halves what a step reads and rounds each weight to
   * 11 bits, "int8" quarters it and rounds to 255 values a row; sums stay f32. The model's own weights stay as they are, and are
   * packed again when they change. Not on `wasm`; gradients, which are those by the rounded weights, with f16 alone.
   */
  readonly weightDtype?: WeightDType | undefined;
}

/** A model's weights, of which plans store copies in fewer bits. */
class StoredWeights extends Weights {
  override readonly layout: ParameterLayout;

  constructor(backend: Backend, of: Weights, weightDtype: PackedDType) {
    super(backend, of.model, of);
    this.layout = { ...of.layout, weightDtype };
  }
}

/**
 * The weights as plans are to have them stored.
 * @throws OptionError for an unknown format, on WebAssembly, and for a model without anything that would be stored so
 */
export function storedAs(
  backend: Backend,
  weights: Weights,
  options: StoredOptions & { readonly on?: unknown } = {},
): Weights {
  const { weightDtype = "f32", on = backend.kind } = options ?? {};
  if (weightDtype === "f32") return weights;
  if (weightDtype !== "f16" && weightDtype !== "int8")
    throw new OptionError(`weightDtype is ${shown(weightDtype)}, expected "f32", "f16" or "int8"`);
  if (on === "wasm")
    throw new OptionError(
      `weightDtype is "${weightDtype}", and WebAssembly computes with "f32" only; leave weightDtype out there, or open the runtime with { backend: "gpu" }`,
    );
  if (!weights.parts.some(({ name }) => /(^|\.)weight_hh/.test(name)))
    throw new OptionError(
      `weightDtype is "${weightDtype}", but ${weights.model.constructor.name} has no weight_hh of a recurrent layer, which alone is stored so; leave weightDtype out`,
    );
  return new StoredWeights(backend, weights, weightDtype);
}
