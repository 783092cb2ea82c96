import type { BesideWasm } from "./beside-wasm.ts";
import type { BatchPart } from "./data/batch.ts";
import { BusyError, checkCount, checkOptions, type DeviceLostError, DisposedError, OptionError } from "./errors.ts";
import type { BeamSearchOptions, Hypothesis } from "./infer/beam-search.ts";
import type { GenerateBatchOptions, Generated, GeneratedBatch, GenerateOptions, Generator } from "./infer/generate.ts";
import type { Predicted } from "./infer/predictor.ts";
import type { InputSpecs, Program, ProgramOptions } from "./infer/program.ts";
import { Session, type SessionOptions } from "./infer/session.ts";
import { loadOnDemand, type OnDemand } from "./load-on-demand.ts";
import { type Module, type Parameter, parameterGroups } from "./nn/module.ts";
import type { StoredOptions } from "./nn/stored-weights.ts";
import { Weights } from "./nn/weights.ts";
import { openBackend, type RuntimeInfo, type RuntimeOptions } from "./open-backend.ts";
import type { Backend, RunsOf } from "./plan/backend.ts";
import { type MemoryReport, memoryReport } from "./plan/memory-report.ts";
import type { Plan } from "./plan/plan.ts";
import type { StateDict } from "./tensor-data.ts";
import type { AnyLoss } from "./train/any-loss.ts";
import type { BatchSource } from "./train/epochs.ts";
import type { Evaluation } from "./train/evaluate.ts";
import type { Metrics } from "./train/metrics.ts";
import type { Trainer } from "./train/trainer.ts";
import { type TrainerOptions, withoutOptimizer } from "./train/trainer-options.ts";
import type { Tuned, TuneOptions } from "./tuning/tune-options.ts";

export type { RuntimeInfo, RuntimeOptions } from "./open-backend.ts";

/** Where models run: a GPU, WebAssembly, or the CPU twins. Owns the models' weights and everything that is compiled for them. */
export class Runtime {
  readonly #backend: Backend;
  readonly #info: RuntimeInfo;
  readonly #weights = new Map<Module, Weights>();
  /** What is kept for a model and goes with it: trainers, programs, sessions, evaluators with a loss or metrics of their own. */
  readonly #users = new Map<Module, Set<{ dispose(): void }>>();
  /** What a model has one of, by what it is: a generator, a beam searcher, a predictor, evaluators. */
  readonly #single = new Map<Module, Map<string, { dispose(): void }>>();
  /** Each parameter is kept once: a part of a model, or another module around the same layers, shares the model's. */
  readonly #owners = new Map<Parameter, Weights>();
  #beside: BesideWasm | undefined;
  #disposed = false;

  private constructor(backend: Backend, info: RuntimeInfo) {
    this.#backend = backend;
    this.#info = info;
  }

  /**
   * Opens a GPU, WebAssembly, or the CPU twins.
   * @throws NoAdapterError when a backend was asked for that is not to be had; OptionError for an unknown option
   */
  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    const { backend, info } = await openBackend(options);
    return new Runtime(backend, info);
  }

  get backend(): Backend["kind"] {
    return this.#backend.kind;
  }

  /** Resolves if the device goes away; open a new Runtime then. */
  get lost(): Promise<DeviceLostError> {
    return this.#backend.lost;
  }

  /** Which commands of a plan are native on WebAssembly; undefined on other backends. `printPlan(plan, runtime)` shows it. */
  get runs(): RunsOf | undefined {
    return this.#backend.runs;
  }

  /** What runs where, and why. */
  info(): RuntimeInfo {
    const refusals = [...(this.#backend.refusals ?? [])];
    const { threads } = this.#backend;
    return { ...this.#info, ...(threads !== undefined && { threads }), ...(refusals.length > 0 && { refusals }) };
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError("the runtime was disposed; open a new one");
  }

  #weightsOf(model: Module): Weights {
    this.#check();
    let weights = this.#weights.get(model);
    if (!weights) {
      weights = new Weights(this.#backend, model, this.#sharedBy(model) ?? 0, this.#nameFor(model));
      for (const parameter of parameterGroups(model).flat())
        if (!this.#owners.has(parameter)) this.#owners.set(parameter, weights);
      this.#weights.set(model, weights);
    }
    return weights;
  }

  /** The model's class, with a number where another model has that name. */
  #nameFor(model: Module): string {
    const taken = new Set([...this.#weights.values()].map(({ name }) => name));
    const plain = model.constructor.name;
    for (let n = 2, name = plain; ; name = `${plain} ${n++}`) if (!taken.has(name)) return name;
  }

  /** Keeps something that goes with a model, and forgets it when it is disposed. */
  #keep<T extends { dispose(): void }>(model: Module, make: (forget: () => void) => T): T {
    const users = this.#users.get(model) ?? new Set();
    this.#users.set(model, users);
    const made: T = make(() => users.delete(made));
    users.add(made);
    return made;
  }

  /** The weights of which a model's are a part. @throws OptionError when only some of its parameters are known */
  #sharedBy(model: Module): Weights | undefined {
    const owners = new Set(parameterGroups(model).flatMap((group) => group.map((one) => this.#owners.get(one))));
    if (owners.size <= 1) return [...owners][0];
    const names = [...owners].map((owner) => owner?.model.constructor.name ?? "no model yet");
    throw new OptionError(
      `${model.constructor.name}: its parameters belong to ${names.join(" and to ")}; a model that others share parameters with is used before them: runtime.initialize does`,
    );
  }

  /**
   * Puts a model's weights on the device and draws initial values, or draws them anew. Happens by itself (seed 0) when a
   * model is used for the first time.
   * @param options.seed the same seed gives the same weights on every machine; default 0
   */
  initialize(model: Module, options: { readonly seed?: number } = {}): void {
    checkOptions("initialize", options, ["seed"]);
    const seed = checkCount("initialize", "seed", options.seed ?? 0, 0);
    this.#weightsOf(model).initialize(seed);
  }

  /** The weights by PyTorch name. */
  async stateDict(model: Module): Promise<StateDict> {
    return this.#weightsOf(model).stateDict();
  }

  /** @throws StateDictError when names or shapes are not the model's; nothing is changed then */
  loadStateDict(model: Module, dict: StateDict): void {
    this.#weightsOf(model).load(dict);
  }

  /** Makes a trainer. @throws OptionError for an unknown option or a bad value */
  trainer(model: Module, options: TrainerOptions): Trainer {
    const Trainer = options?.optimizer?.Trainer;
    if (!Trainer) throw withoutOptimizer(options);
    const weights = this.#weightsOf(model);
    return this.#keep(model, (forget) => new Trainer(this.#backend, weights, options, forget));
  }

  /**
   * Mean loss of a model on batches, without noise; the state starts at zero.
   * @param options.loss as in training; default `crossEntropy()`
   * @param options.carryState whether the state goes on from batch to batch, as in training: by default in batches that say
   *   `resetState`, as those of `Windows` do
   * @param options.metrics what else to measure, by names of one's own: `{ accuracy: accuracy() }`
   * @param options.weightDtype what a model loses by it, see `StoredOptions`
   * @throws DataError when there is no batch, or a token is out of range; ShapeError; BusyError when the weights change
   *   between two batches
   */
  async evaluate<M extends Metrics = Record<never, never>>(
    model: Module,
    batches: BatchSource,
    options: StoredOptions & { readonly loss?: AnyLoss; readonly carryState?: boolean; readonly metrics?: M } = {},
  ): Promise<Evaluation<M>> {
    const weights = this.#weightsOf(model);
    const { checkEvaluation, Evaluator } = await loadOnDemand();
    checkEvaluation(options);
    this.#check();
    weights.check();
    if (options.loss || options.metrics) {
      const make = (forget: () => void) => new Evaluator<M>(this.#backend, weights, options, forget);
      const evaluator = this.#keep(weights.model, make);
      return evaluator.run(batches).finally(() => evaluator.dispose());
    }
    const { carryState, weightDtype } = options;
    const make = () => new Evaluator<M>(this.#backend, weights, { carryState, weightDtype });
    return this.#oneOf(`evaluator ${carryState} ${weightDtype}`, weights, make).run(batches);
  }

  /**
   * What a model says of numbers, without noise and from its first state: `model(x)` of PyTorch, `predict` of Keras. Equal shapes
   * are compiled once. For live input, whose state goes on, see {@link session}; for other functions of a model {@link compile}.
   * @param x what the model's `forward` takes: one tensor, or several by name
   * @param options.weightDtype see `StoredOptions`
   * @returns what `forward` returns: tensors by name, those that lie deeper by their path (`state.h`)
   * @throws ShapeError or DataError for what the model cannot be given; LimitError; DeviceLostError
   */
  async predict<M extends Module>(model: M, x: BatchPart, options: StoredOptions = {}): Promise<Predicted<M>> {
    const weights = this.#weightsOf(model);
    const predictor = await this.#one("Predictor", weights, options);
    return predictor.run(x, options) as Promise<Predicted<M>>;
  }

  /**
   * What a model has one of, made when it is first used. Parts of the library that not every program needs are loaded then.
   * @throws DisposedError when the model was released, or the runtime disposed, while that went on
   */
  #oneOf<T extends { dispose(): void }>(what: string, weights: Weights, make: () => T): T {
    this.#check();
    weights.check();
    const known = this.#single.get(weights.model) ?? new Map();
    this.#single.set(weights.model, known);
    const made = known.get(what) ?? make();
    known.set(what, made);
    return made;
  }

  /** The one that a model has of something that runs it, for each way to store its weights. @throws as `storedAs` */
  async #one<K extends "Predictor" | "Generator" | "BeamSearcher">(
    what: K,
    weights: Weights,
    options: StoredOptions | undefined,
  ): Promise<InstanceType<OnDemand[K]>> {
    const { [what]: Type } = await loadOnDemand();
    const make = () => new Type(this.#backend, weights, options) as InstanceType<OnDemand[K]>;
    return this.#oneOf(what + options?.weightDtype, weights, make);
  }

  async *#generated<T>(
    weights: Weights,
    options: StoredOptions,
    run: (generator: Generator) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    yield* run(await this.#one("Generator", weights, options));
  }

  /**
   * Draws tokens from a model, chunk by chunk; sampling, feedback and state stay on the device.
   * @throws OptionError or DataError for a bad option or prompt; DeviceLostError
   */
  generate(model: Module, options: GenerateOptions): AsyncGenerator<Generated> {
    return this.#generated(this.#weightsOf(model), options, (generator) => generator.run(options));
  }

  /**
   * As `generate`, of several prompts together, which need not be equally long.
   * @throws as `generate`
   */
  generateBatch(model: Module, options: GenerateBatchOptions): AsyncGenerator<GeneratedBatch> {
    return this.#generated(this.#weightsOf(model), options, (generator) => generator.runBatch(options));
  }

  /**
   * The likeliest sequences that a beam search finds, best first; the model, the ranking and the states stay on the device.
   * Takes every model that `generate` takes, with states `[L,B,...]`. Of equal scores the lower hypothesis and then the
   * lower token goes first. A search ends when all its hypotheses have `endToken` or `length` tokens.
   * @returns `nBest` sequences; fewer where no more have a probability above 0
   * @throws OptionError, DataError or ShapeError for a bad option, prompt or model; DataError when no token has a probability;
   *   BusyError when the weights change before it is done; the signal's reason when that aborts; DeviceLostError
   */
  async beamSearch(model: Module, options: BeamSearchOptions): Promise<readonly Hypothesis[]> {
    const weights = this.#weightsOf(model);
    return (await this.#one("BeamSearcher", weights, options)).run(options);
  }

  /** The plan of one chunk of generated tokens. */
  async generationPlan(model: Module, options: StoredOptions & { readonly chunk?: number } = {}): Promise<Plan> {
    return (await this.#one("Generator", this.#weightsOf(model), options)).planOf(options);
  }

  /** Compiles any function of tensors and the model's parameters, forward or with gradients. */
  async compile<S extends InputSpecs, O extends string>(
    model: Module,
    options: ProgramOptions<S, O>,
  ): Promise<Program<S, O>> {
    const weights = this.#weightsOf(model);
    const { Program } = await loadOnDemand();
    return this.#kept(weights, (forget) => Program.compile(this.#backend, weights, options, forget));
  }

  /** As `#keep`, of something that takes time to make. */
  async #kept<T extends { dispose(): void }>(weights: Weights, make: (forget: () => void) => Promise<T>): Promise<T> {
    const { model } = weights;
    let forget = () => {};
    const made = await make(() => forget());
    // The model may have been released, and used again since, or the runtime disposed, while it was made.
    if (this.#disposed || this.#weights.get(model) !== weights) made.dispose();
    else {
      this.#keep(model, (done) => {
        forget = done;
        return made;
      });
    }
    return made;
  }

  /**
   * Opens a session: the model is called again and again on what comes next, and its states stay on the device.
   * @throws OptionError for a bad option, or a model without state; ShapeError; LimitError; NoAdapterError for `on: "wasm"` where
   *   WebAssembly is not to be had
   */
  async session<I extends string>(model: Module, options: SessionOptions<I>): Promise<Session<I>> {
    const weights = this.#weightsOf(model);
    const { on = this.backend, weightDtype } = options ?? {};
    const stored = weightDtype ? (await loadOnDemand()).storedAs(this.#backend, weights, options) : weights;
    if (on === this.backend)
      return this.#kept(weights, (forget) => Session.open(this.#backend, stored, options, forget));
    const { BesideWasm } = await loadOnDemand();
    this.#check();
    this.#beside ??= new BesideWasm(this.backend);
    const backend = await this.#beside.open(on);
    const copy = this.#beside.copyOf(weights);
    return this.#kept(weights, (forget) => Session.open(backend, copy, options, forget));
  }

  /**
   * Measures which variants of the kernels are the fastest ones on this adapter, for a call of a model or for a training step: each
   * variant that the plan may have is first compared with its float64 twin, then timed beside the others, and one that is faster by
   * clearly more than noise goes into a table. The table is kept, and used by the next runtime that is opened with
   * `{ tuned: "kept" }`; this runtime goes on as it is. Nothing of the model or the trainer changes. Other work on the GPU meanwhile
   * makes the times worth less; two tunings of a runtime go one after the other.
   * @returns the table, and what was measured; without a GPU an empty one, and `notes` say why
   * @throws OptionError, ShapeError; LimitError where a part of the plan does not fit a second time; the signal's reason when that
   *   aborts; DeviceLostError; DisposedError
   */
  async tune(model: Module, options: TuneOptions): Promise<Tuned> {
    const weights = this.#weightsOf(model);
    const { tune } = await loadOnDemand();
    return tune({ backend: this.#backend, adapter: this.#info.adapter, weights }, options);
  }

  /**
   * What memory is in use on the device: in all, by model, by role, and by plan. What sessions have on WebAssembly beside it is
   * counted too, under the model's name and "on wasm".
   */
  memory(): MemoryReport {
    return memoryReport([...this.#backend.allocations, ...(this.#beside?.allocations ?? [])]);
  }

  /**
   * Gives back all memory of a model: its weights, and what was made for it (trainers, programs, loaded plans), which are
   * disposed. A model that is used again later starts with new weights. Does nothing for a model that the runtime does not have.
   * @throws BusyError when another model of the runtime shares its weights: release that one first
   */
  release(model: Module): void {
    this.#check();
    const weights = this.#weights.get(model);
    if (!weights) return;
    const view = [...this.#weights].find(([, { viewOf }]) => viewOf === weights)?.[0];
    if (view)
      throw new BusyError(
        `release: ${view.constructor.name} shares the weights of ${model.constructor.name}; release that one first`,
      );
    this.#disposeUsers(model);
    weights.dispose();
    this.#beside?.release(weights);
    this.#weights.delete(model);
    for (const [parameter, owner] of this.#owners) if (owner === weights) this.#owners.delete(parameter);
  }

  #disposeUsers(model: Module): void {
    for (const user of [...(this.#users.get(model) ?? [])]) user.dispose();
    this.#users.delete(model);
    for (const one of this.#single.get(model)?.values() ?? []) one.dispose();
    this.#single.delete(model);
  }

  /** Frees everything. Using the runtime or anything made by it afterwards throws DisposedError. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const model of this.#weights.keys()) this.#disposeUsers(model);
    for (const weights of this.#weights.values()) weights.dispose();
    this.#backend.dispose();
    this.#beside?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
