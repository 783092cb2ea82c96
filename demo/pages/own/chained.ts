/** A state dict as a model: its layers, one behind the other. */
import type { Module, Runtime, StateDict } from "webgpu-rnn";
import { MadeUp, type ReadOptions, withoutMake } from "./file.ts";
import { Chain, chainOf, layersOf } from "./layers.ts";

/** What is known of a state dict, and its layers as a chain that runs; no model where no layer is known. */
export function chained(weights: StateDict, { seed, steps }: ReadOptions) {
  const { layers, others } = layersOf(weights);
  const chain = chainOf(layers);
  const madeUp = new MadeUp(seed);
  const inputs = Object.fromEntries(
    chain.flatMap(({ input, layer: { type, reads } }) => {
      if (input === undefined) return [];
      return [[input, type === "Embedding" ? madeUp.tokens(reads, steps, 1) : madeUp.numbers(steps, 1, reads)]];
    }),
  );
  const open = async (runtime: Runtime): Promise<Module> => {
    const model = new Chain(chain);
    runtime.loadStateDict(model, model.rename(weights));
    return model;
  };
  return { layers: withoutMake(layers), others, ...(chain.length > 0 && { model: { inputs, open } }) };
}
