import { type Module, Parameter, type StateDict } from "../index.ts";

/** Lets a layer's parameters begin with given numbers, in place of drawn ones. */
export function startWith(layer: Module, dict: StateDict): void {
  for (const [field, parameter] of Object.entries(layer)) {
    if (!(parameter instanceof Parameter)) continue;
    const parts = parameter.parts ?? [{ name: field, shape: parameter.shape }];
    parameter.parts = parts.map((part) => ({ ...part, initializer: () => Float32Array.from(dict[part.name]!.data) }));
  }
}
