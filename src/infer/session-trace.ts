import { OptionError, ShapeError, shown } from "../errors.ts";
import { loadCommands } from "../graph/commands.ts";
import { type InputRanges, inputRanges } from "../graph/input-ranges.ts";
import { inputTensor, type Tensor } from "../graph/tensor.ts";
import { leavesOf, type ModelInput, type SequenceModel, type Streaming, traceStreaming } from "../graph/trace.ts";
import type { Module } from "../nn/module.ts";
import { checkAxes, type DType, type Shape } from "../tensor-data.ts";

/** An input of a session: its shape, and its element type where that is not f32. */
export type SessionInput = Shape | { readonly shape: Shape; readonly dtype?: DType };

/** Name of the input that tells which streams take part in a call. */
export const ACTIVE = "active streams";
export type Inputs = ReadonlyMap<string, { readonly shape: Shape; readonly dtype: DType }>;

/** A model's call as a graph. */
export interface Traced extends Streaming {
  readonly ranges: InputRanges;
  readonly named: Readonly<Record<string, Tensor>>;
  readonly active: Tensor;
}

/** @throws OptionError or ShapeError for what is no list of inputs */
export function inputsOf(given: Readonly<Record<string, SessionInput>>): Inputs {
  if (typeof given !== "object" || given === null || Object.keys(given).length === 0)
    throw new OptionError(`session: inputs are ${shown(given)}, expected a shape for each, such as { x: [1, 1, 40] }`);
  return new Map(
    Object.entries(given).map(([name, input]) => {
      const { shape, dtype = "f32" } = Array.isArray(input)
        ? { shape: input as Shape }
        : (input as { shape: Shape; dtype?: DType });
      if (!Array.isArray(shape)) throw new ShapeError(`session: input "${name}" is ${shown(input)}, expected a shape`);
      if (dtype !== "f32" && dtype !== "i32")
        throw new OptionError(`session: input "${name}" has dtype ${shown(dtype)}, expected "f32" or "i32"`);
      if (name === ACTIVE)
        throw new OptionError(`session: "${ACTIVE}" is the session's own input; choose another name`);
      checkAxes(`session: input "${name}"`, shape);
      return [name, { shape, dtype }] as const;
    }),
  );
}

/** @throws OptionError for a model without state, or whose outputs have names of inputs */
export async function trace(model: Module & SequenceModel, inputs: Inputs, streams: number): Promise<Traced> {
  const tensors = Object.fromEntries(
    [...inputs].map(([name, { shape, dtype }]) => [name, inputTensor(name, shape, dtype)]),
  );
  const x: ModelInput = inputs.size === 1 && tensors.x ? tensors.x : tensors;
  const active = inputTensor(ACTIVE, [streams], "i32");
  const traced = traceStreaming(model, x, { who: "session", steps: active });
  const named = Object.fromEntries(leavesOf(traced.outputs));
  const clash = Object.keys(named).find((name) => inputs.has(name) || name === ACTIVE);
  if (clash !== undefined)
    throw new OptionError(`session: "${clash}" is an input and an output; give the output another name`);
  const ends = [...Object.values(named), ...traced.states.flatMap(({ parts }) => parts.map(({ from }) => from))];
  await loadCommands([...ends, ...traced.starts.values()]);
  return { ...traced, named, active, ranges: inputRanges(ends) };
}
