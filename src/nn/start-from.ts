import { RandomStream } from "../random.ts";
import type { NumberArray, StateDict } from "../tensor-data.ts";
import type { Initializer } from "./init.ts";
import { checkStateDict, type Module, namedParts, type Parameter } from "./module.ts";

/** The weights that a model begins with: those of {@link startFrom}, or drawn from a seed. Needs no runtime. */
export const startingWeights = (model: Module, seed = 0): StateDict =>
  Object.fromEntries(
    namedParts(model).map(({ name, shape, initializer }) => [
      name,
      { shape, data: initializer(shape, new RandomStream(seed, name)) },
    ]),
  );

/**
 * Makes a model begin with these weights in place of drawn ones, also when `runtime.initialize` begins it anew: for importers, whose
 * models are whole when they are made.
 * @throws StateDictError unless the state dict is exactly the model's
 */
export function startFrom(model: Module, dict: StateDict): void {
  for (const [{ parameter, offset, shape }, { data }] of checkStateDict(model, dict)) {
    const initializer: Initializer = () => f32(data);
    // Only here: everywhere else a parameter keeps what it was made with.
    const changed = parameter as { -readonly [Key in keyof Parameter]: Parameter[Key] };
    if (!changed.parts) {
      changed.initializer = initializer;
      continue;
    }
    let at = 0;
    changed.parts = changed.parts.map((part) => {
      const isThis = at === offset;
      at += part.shape.reduce((product, n) => product * n, 1);
      return isThis ? { ...part, shape, initializer } : part;
    });
  }
}

const f32 = (data: NumberArray): Float32Array => (data instanceof Float32Array ? data : Float32Array.from(data));
