import { checkCount, checkOptions, DisposedError, OptionError, ShapeError, StateDictError, shown } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { loadCommands } from "../graph/commands.ts";
import { checkInputs, type InputRanges, inputRanges } from "../graph/input-ranges.ts";
import { inputTensor, type Tensor } from "../graph/tensor.ts";
import { leavesOf, type ModelInput, type SequenceModel, type Streaming, traceStreaming } from "../graph/trace.ts";
import { CarriedState } from "../nn/carried-state.ts";
import type { Module } from "../nn/module.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan, Memory, Owner } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import {
  checkAxes,
  checkTensor,
  type DType,
  type Shape,
  type StateDict,
  sameShape,
  showShape,
  type TensorData,
} from "../tensor-data.ts";
import { InitialStates } from "./initial-states.ts";

/** An input of a session: its shape, and its element type where that is not f32. */
export type SessionInput = Shape | { readonly shape: Shape; readonly dtype?: DType };

export interface SessionOptions<I extends string = string> {
  /**
   * What `forward` is given at each call, by name: one input named `x` as the tensor itself, anything else as a record. The
   * shapes hold for every call: `[T,B,C]` for T steps of B streams.
   */
  readonly inputs: Readonly<Record<I, SessionInput>>;
  /** Streams, each with a row of every state along its second axis; default 1. */
  readonly streams?: number;
}

/** Name of the input that tells which streams take part in a call. */
const ACTIVE = "active streams";
/** More steps than any call has. */
const ALL_STEPS = 2 ** 30;

type Inputs = ReadonlyMap<string, { readonly shape: Shape; readonly dtype: DType }>;

interface Traced extends Streaming {
  readonly ranges: InputRanges;
  readonly named: Readonly<Record<string, Tensor>>;
  readonly active: Tensor;
}

/**
 * A model that is called again and again on what comes next, such as audio, sensor readings or strokes. Its states stay on the
 * device from call to call. Made by `Runtime.session`.
 */
export class Session<I extends string = string> {
  readonly #weights: Weights;
  readonly #carried: CarriedState;
  readonly #inputs: Inputs;
  readonly #traced: Traced;
  /** One, or two that take turns, because a call of one step reads a slot of the states and writes the other one. */
  readonly #plans: readonly LoadedPlan[];
  readonly #initial: InitialStates;
  readonly #onDispose: () => void;
  readonly streams: number;
  #active: readonly number[];
  #turn = 0;
  /** What is to happen before the next call: initial states that are learned have to be read first. */
  #before: Promise<void> | undefined;
  /** Why streams could not begin anew: whoever calls next is told. */
  #failedReset: unknown;
  #disposed = false;

  private constructor(
    made: {
      weights: Weights;
      carried: CarriedState;
      inputs: Inputs;
      traced: Traced;
      plans: readonly LoadedPlan[];
      initial: InitialStates;
      streams: number;
    },
    onDispose: () => void,
  ) {
    this.#weights = made.weights;
    this.#carried = made.carried;
    this.#inputs = made.inputs;
    this.#traced = made.traced;
    this.#plans = made.plans;
    this.#initial = made.initial;
    this.#onDispose = onDispose;
    this.streams = made.streams;
    this.#active = Array.from({ length: made.streams }, (_, stream) => stream);
    this.#writeActive();
  }

  /** @internal Made by `Runtime.session`. @throws OptionError, ShapeError or LimitError before anything runs */
  static async open<I extends string>(
    backend: Backend,
    weights: Weights,
    options: SessionOptions<I>,
    onDispose: () => void,
  ): Promise<Session<I>> {
    checkOptions("session", options, ["inputs", "streams"]);
    const streams = checkCount("session", "streams", options.streams ?? 1);
    const inputs = inputsOf(options.inputs);
    const traced = await trace(weights.model as Module & SequenceModel, inputs, streams);
    const owner: Owner = {
      model: weights.name,
      part: `session ${[...inputs].map(([name, { shape }]) => name + showShape(shape)).join(" ")}`,
    };
    const carried = new CarriedState(backend, owner);
    const plans: LoadedPlan[] = [];
    const initial = new InitialStates(backend, weights, traced.starts);
    const load = async (plan: Plan) => {
      plans.push(await backend.load(plan, owner, carried.memory(besides(plans, weights))));
      carried.attach(traced.states, plans.at(-1)!);
    };
    try {
      const first = planOf(backend, weights, traced, 0);
      const takesTurns = Object.values(first.states ?? {}).some(({ before, after }) => before.offset !== after.offset);
      // The slot that the second plan leaves the states in is the one that the first one begins with.
      await load(first);
      if (takesTurns) await load(planOf(backend, weights, traced, 1));
      if (traced.starts.size > 0) carried.reset(undefined, await initial.read());
      return new Session<I>({ weights, carried, inputs, traced, plans, initial, streams }, onDispose);
    } catch (error) {
      for (const plan of plans) plan.dispose();
      carried.dispose();
      initial.dispose();
      throw error;
    }
  }

  /** The plan of a call. */
  get plan(): Plan {
    return this.#plans[0]!.plan;
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError("the session was disposed; open a new one with runtime.session");
    const failed = this.#failedReset;
    this.#failedReset = undefined;
    if (failed) throw failed;
  }

  /** Streams that take part in the next calls; default all. The others hold their states, and what they put out means nothing. */
  get active(): readonly number[] {
    return this.#active;
  }

  /** @throws OptionError for what is no list of streams */
  set active(streams: readonly number[]) {
    this.#check();
    this.#active = this.#checked("active", streams);
    this.#afterwards(() => this.#writeActive());
  }

  #writeActive(): void {
    const steps = new Int32Array(this.streams);
    for (const stream of this.#active) steps[stream] = ALL_STEPS;
    if (this.#plans[0]!.plan.buffers.some(({ name }) => name === ACTIVE)) this.#plans[0]!.write(ACTIVE, steps);
  }

  #checked(what: string, streams: readonly number[]): readonly number[] {
    if (!Array.isArray(streams)) throw new OptionError(`${what}: ${shown(streams)} is no list of streams`);
    for (const stream of streams) {
      if (!Number.isInteger(stream) || stream < 0 || stream >= this.streams)
        throw new OptionError(`${what}: stream ${shown(stream)}, expected 0 to ${this.streams - 1}`);
    }
    const twice = streams.find((stream, i) => streams.indexOf(stream) !== i);
    if (twice !== undefined) throw new OptionError(`${what}: stream ${twice} is there twice; name each stream once`);
    return [...streams];
  }

  /** Does something now, or when what it has to wait for is done: in the order of the calls. */
  #afterwards<R>(work: () => R): R | Promise<R> {
    if (!this.#before) return work();
    const done = this.#before.then(() => {
      this.#check();
      return work();
    });
    const settled = done.then(
      () => {},
      () => {},
    );
    this.#waitFor(settled);
    return done;
  }

  #waitFor(work: Promise<void>): void {
    this.#before = work;
    work.then(() => {
      if (this.#before === work) this.#before = undefined;
    });
  }

  /** @throws OptionError, ShapeError or DataError for inputs that do not fit, before anything is sent */
  #checkInputs(inputs: Readonly<Record<I, TensorData>>): void {
    this.#check();
    if (typeof inputs !== "object" || inputs === null)
      throw new OptionError(
        `session: the inputs are ${shown(inputs)}, expected { ${[...this.#inputs.keys()].join(", ")} }`,
      );
    for (const name of Object.keys(inputs)) {
      if (!this.#inputs.has(name))
        throw new OptionError(
          `session: there is no input "${name}"; inputs are ${[...this.#inputs.keys()].join(", ")}`,
        );
    }
    for (const [name, { shape, dtype }] of this.#inputs)
      checkTensor(`input "${name}"`, inputs[name as I], shape, dtype);
    checkInputs(this.#traced.ranges, inputs);
  }

  #next(inputs: Readonly<Record<I, TensorData>>): LoadedPlan {
    const plan = this.#plans[this.#turn]!;
    for (const name of this.#inputs.keys()) {
      if (plan.plan.buffers.some((buffer) => buffer.name === name && buffer.role === "input"))
        plan.write(name, inputs[name as I].data);
    }
    this.#turn = (this.#turn + 1) % this.#plans.length;
    return plan;
  }

  /**
   * One call: the model goes on from where the last call left its states.
   * @returns what `forward` returns, by name, without the state
   * @throws ShapeError, DataError or OptionError for inputs that do not fit; the states stay as they were then
   */
  async run(inputs: Readonly<Record<I, TensorData>>): Promise<Readonly<Record<string, TensorData>>> {
    this.#checkInputs(inputs);
    const names = Object.keys(this.#traced.named);
    const values = await this.#afterwards(() => {
      const plan = this.#next(inputs);
      const read = plan.runAndRead(names);
      this.#carried.ran(plan);
      // Handed on in a record, so that what comes next waits for the start and not for the end.
      return { read };
    });
    const numbers = await values.read;
    return Object.fromEntries(
      names.map((name, i) => [name, { shape: this.#traced.named[name]!.shape, data: numbers[i]! }]),
    );
  }

  /** A call whose outputs nobody wants: nothing is read back. @throws as `run` */
  push(inputs: Readonly<Record<I, TensorData>>): void {
    this.#checkInputs(inputs);
    // Waiting calls send what the inputs hold now.
    const kept = this.#before ? copied(inputs) : inputs;
    const done = this.#afterwards(() => {
      const plan = this.#next(kept);
      plan.run();
      this.#carried.ran(plan);
    });
    if (done instanceof Promise) done.catch(() => {});
  }

  /**
   * Streams begin anew: with zeros, or with what the model has learned to begin with.
   * @param streams default all
   * @throws OptionError for a stream that is not there; the next call throws where what is learned could not be read
   */
  reset(streams?: readonly number[]): void {
    this.#check();
    const rows = streams === undefined ? undefined : this.#checked("reset", streams);
    if (this.#traced.starts.size === 0) {
      this.#afterwards(() => this.#carried.reset(rows));
      return;
    }
    const before = this.#before ?? Promise.resolve();
    const read = before.then(async () => {
      this.#check();
      this.#carried.reset(rows, await this.#initial.read());
    });
    this.#waitFor(
      read.catch((error) => {
        this.#failedReset = error;
      }),
    );
  }

  /** All states, by path, after the calls so far. */
  async state(): Promise<StateDict> {
    this.#check();
    const values = await this.#afterwards(() => {
      const { buffers } = this.#carried;
      return { read: this.#weights.read(buffers), take: this.#carried.reader() };
    });
    const dict = values.take(await values.read);
    return Object.fromEntries(Object.entries(dict).map(([name, tensor]) => [name.replace(/^carry\./, ""), tensor]));
  }

  /**
   * Goes on from states that `state` gave.
   * @throws StateDictError when they are those of another model or another number of streams; nothing is changed then
   */
  setState(saved: StateDict): void {
    this.#check();
    if (typeof saved !== "object" || saved === null)
      throw new StateDictError(`setState: the state is ${shown(saved)}, expected what session.state() gave`);
    const { states } = this.#carried;
    const names = [...states.keys()].join(", ");
    const other = Object.keys(saved).find((name) => !states.has(name));
    if (other !== undefined)
      throw new StateDictError(
        `setState: there is no state "${other}"; this session has ${names}: the state is that of another model`,
      );
    for (const [name, { shape, dtype }] of states) {
      const given = saved[name];
      if (!given) throw new StateDictError(`setState: the state "${name}" is missing; this session has ${names}`);
      if (!sameShape(given.shape ?? [], shape))
        throw new StateDictError(
          `setState: ${name} is ${showShape(given.shape ?? [])}, this session's is ${showShape(shape)}: the state is that of another model, or of another number of streams`,
        );
      checkTensor(`setState: ${name}`, given, shape, dtype);
    }
    const values = copied(saved);
    this.#afterwards(() => this.#carried.load(values));
  }

  /** Frees the session's memory; the model stays. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const plan of this.#plans) plan.dispose();
    this.#initial.dispose();
    this.#carried.dispose();
    this.#onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }
}

const copied = <N extends string>(tensors: Readonly<Record<N, TensorData>>): Record<N, TensorData> =>
  Object.fromEntries(
    Object.entries<TensorData>(tensors).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
  ) as Record<N, TensorData>;

function inputsOf(given: Readonly<Record<string, SessionInput>>): Inputs {
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

async function trace(model: Module & SequenceModel, inputs: Inputs, streams: number): Promise<Traced> {
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

const planOf = (backend: Backend, weights: Weights, { named, states }: Traced, ring: 0 | 1): Plan =>
  buildPlan({
    name: "session",
    target: backend.target,
    layout: weights.layout,
    outputs: named,
    carries: states.flatMap(({ parts }) => parts),
    ring,
  });

/** The memory of a second plan: inputs and outputs are those of the first. */
const besides = (plans: readonly LoadedPlan[], weights: Weights): Memory => ({
  find: (spec) => {
    const isShared = spec.role === "input" || spec.role === "output";
    return isShared ? plans[0]?.buffer(spec.name) : weights.find(spec);
  },
  ownerOf: (spec) => weights.ownerOf(spec),
  keep: (buffer) => weights.keep(buffer),
});
