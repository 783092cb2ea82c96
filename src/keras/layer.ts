import { functional as F, type Module, type Tensor } from "../index.ts";
import type { LayerConfig } from "./config.ts";
import type { LayerWeights } from "./weights.ts";

/** A tensor of a graph, `[B,T,…]` as in Keras, with its mask i32 `[B,T]` (1: a real step), where it has one. */
export interface Value {
  readonly tensor: Tensor;
  readonly mask?: Tensor | undefined;
}

/** States of a stateful layer by its cell's names, each `[D,B,H]`. */
export type LayerState = Readonly<Record<string, Tensor>>;

/** What a layer gets beside its inputs. */
export interface CallOptions {
  /** `initial_state`, each `[B,H]`. */
  readonly initialState?: readonly Tensor[];
  /** Of a stateful layer: what the last call left. */
  readonly before?: LayerState | undefined;
}

/** What a layer gives: its outputs, and its state if it is stateful. */
export interface Called {
  readonly outputs: readonly Value[];
  readonly after?: LayerState;
}

/** A layer that was built. */
export interface Layer {
  /** What learns, in the model's `layers` under the layer's name. */
  readonly module?: Module;
  /** Dropout of a recurrent layer's inputs. */
  readonly dropout?: Module;
  call(inputs: readonly Value[], options: CallOptions): Called;
}

/** What a layer is built from. */
export interface LayerSource extends LayerConfig {
  readonly weights: LayerWeights;
  /** The major version of Keras that wrote it: names of activations have changed their meaning. */
  readonly keras: number;
  /** Refuses something; all that is refused is in one error, and building goes on. */
  refuse(why: string): void;
}

/** A layer of one input and one output without weights. */
export const pointwise =
  (f: (x: Tensor) => Tensor, keepsMask = true) =>
  (): Layer => ({
    call: ([x]) => ({ outputs: [keepsMask ? { tensor: f(x!.tensor), mask: x!.mask } : { tensor: f(x!.tensor) }] }),
  });

/** `[B,T,C]` to `[T,B,C]` and back. */
export const swapTime = (x: Tensor): Tensor => F.transpose(x, 0, 1);

/** A number among a layer's options. */
export function numberOf({ config, refuse }: LayerSource, name: string, byDefault: number): number {
  const value = config[name] ?? byDefault;
  const first = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof first === "number" && Number.isFinite(first)) return first;
  refuse(`${name} is ${JSON.stringify(value)}, expected a number`);
  return byDefault;
}

/** An option that must have its usual value. */
export function requireOption({ config, refuse }: LayerSource, name: string, allowed: readonly unknown[]): void {
  const value = config[name];
  if (value === undefined || allowed.includes(value)) return;
  refuse(
    `${name} is ${JSON.stringify(value)?.slice(0, 80)}, and ${allowed.map((one) => JSON.stringify(one)).join(" or ")} can be imported`,
  );
}
