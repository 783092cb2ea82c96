import { checkCount, checkOptions, DisposedError, OptionError, StateDictError, shown } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { checkInputs } from "../graph/input-ranges.ts";
import type { SequenceModel } from "../graph/trace.ts";
import { CarriedState } from "../nn/carried-state.ts";
import type { Module } from "../nn/module.ts";
import type { StoredOptions } from "../nn/stored-weights.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, BackendChoice, LoadedPlan, Memory, Owner } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { checkTensor, type StateDict, sameShape, showShape, type TensorData } from "../tensor-data.ts";
import { InitialStates } from "./initial-states.ts";
import { ACTIVE, type Inputs, inputsOf, type SessionInput, type Traced, trace } from "./session-trace.ts";

export interface SessionOptions<I extends string = string> extends StoredOptions {
  /**
   * What `forward` is given at each call, by name: one input named `x` as the tensor itself, anything else as a record. The
   * shapes hold for every call: `[T,B,C]` for T steps of B streams.
   */
  readonly inputs: Readonly<Record<I, SessionInput>>;
  /** Streams, each with a row of every state along its second axis; default 1. */
  readonly streams?: number;
  /**
   * Where the session computes: on the runtime's own backend (default), which may be named, or on `wasm` beside it. A small model
   * that is called one step at a time is faster on the CPU than on any GPU. The session then has its states there, and a copy of the
   * weights, which is made anew for the first call after they changed; the call uses the weights of the moment at which it is made.
   * Where the runtime is on `wasm` itself, nothing is copied.
   */
  readonly on?: Exclude<BackendChoice, "auto">;
}

/** Weights of one moment, on their way to a copy on another backend. */
export interface WeightsMoment {
  /** Resolves when they have been read, or could not be; undefined from then on. */
  readonly read: Promise<void> | undefined;
  /** Puts them into the copy, where others are there. @throws what reading them threw */
  put(): void;
}

/** A copy of weights on another backend. */
export interface WeightsCopy {
  readonly weights: Weights;
  /** The weights as they are now. */
  now(): WeightsMoment;
}

/** More steps than any call has. */
const ALL_STEPS = 2 ** 30;

/**
 * A model that is called again and again on what comes next, such as audio, sensor readings or strokes. Its states stay on the
 * device from call to call. Made by `Runtime.session`.
 */
export class Session<I extends string = string> {
  readonly #weights: Weights;
  readonly #copy: WeightsCopy | undefined;
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
  #before: Promise<unknown> | undefined;
  /** Why streams could not begin anew: whoever calls next is told. */
  #failedReset: unknown;
  #disposed = false;

  private constructor(
    made: {
      weights: Weights;
      copy: WeightsCopy | undefined;
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
    this.#copy = made.copy;
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

  /**
   * @internal Made by `Runtime.session`.
   * @param from the model's weights on this backend, or their copy there
   * @throws OptionError, ShapeError or LimitError before anything runs
   */
  static async open<I extends string>(
    backend: Backend,
    from: Weights | WeightsCopy,
    options: SessionOptions<I>,
    onDispose: () => void,
  ): Promise<Session<I>> {
    checkOptions("session", options, ["inputs", "streams", "on", "weightDtype"]);
    const copy = "now" in from ? from : undefined;
    const weights = "now" in from ? from.weights : from;
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
      const session = new Session<I>({ weights, copy, carried, inputs, traced, plans, initial, streams }, onDispose);
      if (traced.starts.size > 0) session.reset();
      await session.#before;
      session.#check();
      return session;
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

  #waitFor(work: Promise<unknown>): void {
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

  /** A call with the weights of this moment: now, or when what it has to wait for is done. */
  #call<R>(inputs: Readonly<Record<I, TensorData>>, replay: (plan: LoadedPlan) => R): R | Promise<R> {
    this.#checkInputs(inputs);
    const moment = this.#copy?.now();
    if (moment?.read) this.#waitFor(Promise.all([this.#before, moment.read]));
    // Waiting calls send what the inputs hold now.
    const kept = this.#before ? copied(inputs) : inputs;
    return this.#afterwards(() => {
      moment?.put();
      const plan = this.#next(kept);
      const result = replay(plan);
      this.#carried.ran(plan);
      return result;
    });
  }

  /**
   * One call: the model goes on from where the last call left its states.
   * @returns what `forward` returns, by name, without the state
   * @throws ShapeError, DataError or OptionError for inputs that do not fit; the states stay as they were then
   */
  async run(inputs: Readonly<Record<I, TensorData>>): Promise<Readonly<Record<string, TensorData>>> {
    const names = Object.keys(this.#traced.named);
    // Handed on in a record, so that what comes next waits for the start and not for the end.
    const { read } = await this.#call(inputs, (plan) => ({ read: plan.runAndRead(names) }));
    const numbers = await read;
    return Object.fromEntries(
      names.map((name, i) => [name, { shape: this.#traced.named[name]!.shape, data: numbers[i]! }]),
    );
  }

  /** A call whose outputs nobody wants: nothing is read back. @throws as `run` */
  push(inputs: Readonly<Record<I, TensorData>>): void {
    const done = this.#call(inputs, (plan) => plan.run());
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
    const moment = this.#copy?.now();
    const read = Promise.all([this.#before, moment?.read]).then(async () => {
      this.#check();
      moment?.put();
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
