import {
  type Batch,
  checkCount,
  checkOptions,
  DataError,
  functional,
  Module,
  OptionError,
  Tensor,
  type TensorData,
  Windows,
} from "../../index.ts";

/** A model of tokens `[T,B]` that goes on from a state, as every model that a trainer carries the state of. */
export interface StatefulModel extends Module {
  forward(x: Tensor, state?: never): object;
}

export interface TruncatedBPTTOptions {
  /** k2: how many steps a gradient goes back at most; a multiple of stride. */
  readonly window: number;
  /** k1: how many new steps there are for each step of training. */
  readonly stride: number;
  /** B: rows of the stream. */
  readonly batch: number;
}

/** A model, called on windows that begin `stride` steps after each other: the state that goes on is the one after `stride` steps. */
class Overlapping extends Module {
  readonly model: StatefulModel;
  readonly #stride: number;

  constructor(model: StatefulModel, stride: number) {
    super();
    this.model = model;
    this.#stride = stride;
  }

  forward(x: Tensor, state?: unknown): Record<string, unknown> {
    const call = (part: Tensor, from: unknown): Record<string, unknown> => ({
      ...this.model.forward(part, from as never),
    });
    const [T] = x.shape as [number];
    const first = call(functional.slice(x, 0, Math.min(this.#stride, T), 0), state);
    if (first.state === undefined)
      throw new OptionError(
        `truncatedBPTT: ${this.model.title}.forward returns no state, so no window could go on from another; return { …, state }`,
      );
    if (T <= this.#stride) return first;
    const rest = call(functional.slice(x, this.#stride, T - this.#stride, 0), first.state);
    const joined = Object.entries(first).flatMap(([name, one]) => {
      const other = rest[name];
      return one instanceof Tensor && other instanceof Tensor && name !== "state"
        ? [[name, functional.concat([one, other], 0)] as const]
        : [];
    });
    return { ...Object.fromEntries(joined), state: first.state };
  }
}

/** Along the first axis, one after the other. */
function joined(parts: readonly TensorData[]): TensorData {
  const [T, B] = parts[0]!.shape as [number, number];
  return { shape: [T * parts.length, B], data: Int32Array.from(parts.flatMap(({ data }) => [...data])) };
}

/**
 * Truncated back-propagation through time with a window longer than its stride: each step of training reads k1 = `stride` new
 * steps of the stream, and its gradient goes back k2 - k1 to k2 = `window` steps (Williams and Peng 1990, BPTT(h; h')). With equal
 * ones, as {@link Windows} has them, the first steps of a window have hardly any past.
 *
 *     const { model: trained, windows } = truncatedBPTT(model, tokens, { window: 96, stride: 32, batch: 16 });
 *     for await (const { loss } of runtime.trainer(trained, { optimizer }).fit(windows.from(), { steps: 1000 })) …
 *
 * @param model takes tokens `[T,B]` and a state; outputs have the steps on their first axis. Use it before: its weights are the ones
 *   that are trained, and it predicts and generates as ever
 * @param tokens one stream
 * @returns the model to train, and its batches: targets of steps that an earlier window has had are -100, which does not count
 * @throws OptionError for an unknown option or a window that is no multiple of stride; DataError for a stream that is too short
 */
export function truncatedBPTT(
  model: StatefulModel,
  tokens: Int32Array,
  options: TruncatedBPTTOptions,
): {
  readonly model: Module;
  readonly windows: {
    readonly stepsPerEpoch: number;
    at(step: number): Batch;
    from(step?: number): Generator<Batch, never, undefined>;
  };
} {
  const who = "truncatedBPTT";
  checkOptions(who, options, ["window", "stride", "batch"]);
  const stride = checkCount(who, "stride", options.stride);
  const window = checkCount(who, "window", options.window);
  const strides = window / stride;
  if (!Number.isInteger(strides))
    throw new OptionError(`${who}: window is ${window}, expected a multiple of stride, ${stride}`);
  const pieces = new Windows(tokens, { window: stride, batch: options.batch });
  const stepsPerEpoch = pieces.stepsPerEpoch - strides + 1;
  if (stepsPerEpoch < 1)
    throw new DataError(
      `${who}: the stream is ${tokens.length} tokens long, but ${options.batch} rows with a window of ${window} need at least ${options.batch * window + 1}; give more, or a smaller batch or window`,
    );
  const at = (step: number): Batch => {
    const index = checkCount(who, "step", step, 0) % stepsPerEpoch;
    const parts = Array.from({ length: strides }, (_, n) => pieces.at(index + n));
    const target = joined(parts.map((part) => part.target));
    // The first window of an epoch is the first to see any of its steps.
    if (index > 0) target.data.fill(-100, 0, (window - stride) * options.batch);
    return { x: joined(parts.map(({ x }) => x)), target, resetState: index === 0 };
  };
  function* from(step = 0): Generator<Batch, never, undefined> {
    for (let s = step; ; s++) yield at(s);
  }
  return { model: new Overlapping(model, stride), windows: { stepsPerEpoch, at, from } };
}
