/** What operations give in a quiet order: one after the other on a runtime of their own, from states that are given. */
import {
  adam,
  type Batch,
  CharModel,
  Linear,
  LSTM,
  type LSTMState,
  Module,
  mse,
  type Program,
  type Runtime,
  type Session,
  type StateDict,
  type StepReport,
  type Tensor,
  type TensorData,
  type Trainer,
} from "../../src/node.ts";
import { Numbers } from "./against-twin.ts";

/** A module with a state, as sessions want it. */
class Streams extends Module {
  readonly rnn: LSTM;
  readonly head = new Linear({ inFeatures: 4, outFeatures: 2 });
  constructor(learnedInitialState: boolean) {
    super();
    this.rnn = new LSTM({ inputSize: 3, hiddenSize: 4, learnedInitialState });
  }
  forward(x: Tensor, given?: LSTMState): { y: Tensor; state: LSTMState } {
    const { output, state } = this.rnn.forward(x, given);
    return { y: this.head.forward(output), state };
  }
}

const V = 6;
const charModel = (cell: "lstm" | "gru") => new CharModel({ vocabSize: V, cell, embeddingDim: 3, hiddenSize: 4 });
/** Small models; each kind is made once, so that plans and pipelines of the quiet runtime are, too. */
export const models = {
  lstm: charModel("lstm"),
  gru: charModel("gru"),
  streams: new Streams(false),
  "learned streams": new Streams(true),
};
export type Name = keyof typeof models;
/** States that are learned are not carried. */
const carries = (name: Name): boolean => name !== "learned streams";
export const isText = (name: Name): boolean => name === "lstm" || name === "gru";

/** Batches by number: of two lengths, some of which begin anew. Batches from 4 on have another number of rows. */
export function batchOf(name: Name, i: number): Batch {
  const [T, B] = [2 + (i % 2), i < 4 ? 2 : 3];
  const resetState = i === 2 ? [1] : i === 3;
  if (isText(name)) {
    const tokens = (shift: number) => ({
      shape: [T, B],
      data: Int32Array.from({ length: T * B }, (_, k) => (k * k + 2 * i + shift) % V),
    });
    return { x: tokens(0), target: tokens(1), resetState };
  }
  const numbers = new Numbers(`batch ${i}`);
  return {
    x: { shape: [T, B, 3], data: numbers.floats(T * B * 3) },
    target: { shape: [T, B, 2], data: numbers.floats(T * B * 2) },
    resetState,
  };
}

/** What a session of T steps is given. */
export const sessionInput = (T: number, i: number): TensorData => ({
  shape: [T, 2, 3],
  data: new Numbers(`call ${i}`).floats(T * 6),
});

const squares = mse();
const lossOf = ({ y }: { y: Tensor }, target: Tensor) => squares.apply(y, target);
export const trainerOf = (runtime: Runtime, name: Name): Trainer =>
  runtime.trainer(models[name], {
    optimizer: adam({ lr: 0.05 }),
    clipNorm: 1,
    carryState: carries(name),
    ...(!isText(name) && { loss: lossOf }),
  });
export const evaluate = (runtime: Runtime, name: Name, batches: readonly number[]) =>
  runtime.evaluate(
    models[name],
    batches.map((i) => batchOf(name, i)),
    { carryState: carries(name), ...(!isText(name) && { loss: lossOf }) },
  );
export const compile = (runtime: Runtime, name: Name): Promise<Program> => {
  const { shape } = batchOf(name, 0).x;
  return runtime.compile(models[name], {
    inputs: { x: { shape, dtype: isText(name) ? "i32" : "f32" } },
    forward: ({ x }): Record<string, Tensor> => {
      const { state, ...outputs } = models[name].forward(x!);
      return { ...outputs };
    },
  });
};
export const openSession = (runtime: Runtime, name: Name, T: number): Promise<Session<"x">> =>
  runtime.session(models[name], { inputs: { x: [T, 2, 3] }, streams: 2 });

export interface Drawing {
  readonly prompts: readonly (readonly number[])[];
  readonly chunk: number;
  readonly length: number;
}
/** The tokens of each prompt, chunk by chunk. */
export async function* draw(runtime: Runtime, name: Name, { prompts, chunk, length }: Drawing) {
  const settings = { chunk, length, seed: prompts[0]![0]! };
  if (prompts.length > 1) {
    for await (const { tokens } of runtime.generateBatch(models[name], { prompts, ...settings }))
      yield tokens.map((row) => [...row]);
    return;
  }
  for await (const { tokens } of runtime.generate(models[name], { prompt: prompts[0]!, ...settings }))
    yield [[...tokens]];
}

export const beams = (runtime: Runtime, name: Name, prompt: readonly number[]) =>
  runtime.beamSearch(models[name], { prompt, length: 5, chunk: 2, width: 2, nBest: 2 });

/** What a trainer has besides the weights. */
export interface Training {
  readonly dict: StateDict;
  readonly step: number;
}
/** What a step reports, without the clock. */
export type Report = Omit<StepReport, "tokensPerSecond">;
export const reportOf = ({ step, loss, gradNorm, lr }: StepReport): Report => ({ step, loss, gradNorm, lr });

const under = (dict: StateDict, prefix: string, isUnder: boolean): StateDict =>
  Object.fromEntries(
    Object.entries(dict)
      .filter(([name]) => name.startsWith(prefix) === isUnder)
      .map(([name, tensor]) => [isUnder ? name.slice(prefix.length) : name, tensor]),
  );
/** The weights in a trainer's state dict, and the rest. States that are zero are as good as none. */
export const split = (dict: StateDict): { readonly weights: StateDict; readonly rest: StateDict } => ({
  weights: under(dict, "model.", true),
  rest: Object.fromEntries(
    Object.entries(under(dict, "model.", false)).filter(
      ([name, { data }]) => !name.startsWith("carry.") || data.some((value) => value !== 0),
    ),
  ),
});
/** The other way round. */
export const joined = (weights: StateDict, { dict }: Training): StateDict => ({
  ...Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`model.${name}`, tensor])),
  ...dict,
});

/** Numbers for objects, so that results can be kept by what they came from. */
const ids = new WeakMap<object, number>();
let nextId = 0;
function idOf(object: object): number {
  const id = ids.get(object) ?? ++nextId;
  ids.set(object, id);
  return id;
}

/** Every operation as a function of the states that it begins with. Calls must be awaited one by one. */
export class QuietRuntime {
  readonly #runtime: Runtime;
  readonly #trainers = new Map<Name, Trainer>();
  readonly #programs = new Map<Name, Program>();
  readonly #sessions = new Map<string, Session<"x">>();
  readonly #known = new Map<string, unknown>();
  /** What the runtime holds now. */
  readonly #weights = new Map<Name, StateDict>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Bytes that the runtime has on its device. */
  get bytes(): number {
    return this.#runtime.memory().bytes;
  }

  async #once<T>(key: readonly (string | number | object)[], make: () => Promise<T>): Promise<T> {
    const text = key.map((part) => (typeof part === "object" ? idOf(part) : part)).join("|");
    if (!this.#known.has(text)) this.#known.set(text, await make());
    return this.#known.get(text) as T;
  }

  #use(name: Name, weights: StateDict): void {
    if (this.#weights.get(name) === weights) return;
    this.#runtime.loadStateDict(models[name], weights);
    this.#weights.set(name, weights);
  }

  /** The weights that a seed draws. */
  drawn(name: Name, seed: number): Promise<StateDict> {
    return this.#once(["drawn", name, seed], async () => {
      this.#runtime.initialize(models[name], { seed });
      this.#weights.delete(name);
      return this.#runtime.stateDict(models[name]);
    });
  }

  #trainerOf(name: Name): Trainer {
    const trainer = this.#trainers.get(name) ?? trainerOf(this.#runtime, name);
    this.#trainers.set(name, trainer);
    return trainer;
  }

  /** A trainer that has done nothing. */
  untrained(name: Name): Promise<Training> {
    return this.#once(["untrained", name], async () => {
      const trainer = trainerOf(this.#runtime, name);
      const { rest } = split(await trainer.stateDict());
      trainer.dispose();
      return { dict: rest, step: 0 };
    });
  }

  /** A step on one batch or on several. */
  train(name: Name, weights: StateDict, training: Training, batches: readonly number[]) {
    return this.#once(["train", name, weights, training, `${batches}`], async () => {
      const trainer = this.#trainerOf(name);
      trainer.loadStateDict(joined(weights, training), training.step);
      const report = reportOf(await trainer.step(...batches.map((i) => batchOf(name, i))));
      const { weights: after, rest } = split(await trainer.stateDict());
      this.#weights.set(name, after);
      const trained: Training = { dict: rest, step: trainer.steps };
      return { report, weights: after, training: trained };
    });
  }

  evaluate(name: Name, weights: StateDict, batches: readonly number[]): Promise<object> {
    return this.#once(["evaluate", name, weights, `${batches}`], async () => {
      this.#use(name, weights);
      return evaluate(this.#runtime, name, batches);
    });
  }

  run(name: Name, weights: StateDict, batch: number): Promise<StateDict> {
    return this.#once(["run", name, weights, batch], async () => {
      const program = this.#programs.get(name) ?? (await compile(this.#runtime, name));
      this.#programs.set(name, program);
      this.#use(name, weights);
      return program.run({ x: batchOf(name, batch).x });
    });
  }

  /** The last chunk of a drawing, whose chunks are each drawn with the weights of that moment. */
  draw(name: Name, drawing: Drawing, weights: readonly StateDict[]): Promise<number[][] | undefined> {
    return this.#once(["draw", name, JSON.stringify(drawing), ...weights], async () => {
      const chunks = draw(this.#runtime, name, drawing);
      let last: number[][] | undefined;
      for (const now of weights) {
        this.#use(name, now);
        last = (await chunks.next()).value ?? undefined;
      }
      await chunks.return(undefined);
      return last;
    });
  }

  beams(name: Name, weights: StateDict, prompt: readonly number[]): Promise<object> {
    return this.#once(["beams", name, weights, `${prompt}`], async () => {
      this.#use(name, weights);
      return beams(this.#runtime, name, prompt);
    });
  }

  async #sessionOf(name: Name, T: number): Promise<Session<"x">> {
    const session = this.#sessions.get(`${name} ${T}`) ?? (await openSession(this.#runtime, name, T));
    this.#sessions.set(`${name} ${T}`, session);
    return session;
  }

  /** What a session's states begin with. */
  start(name: Name, weights: StateDict): Promise<StateDict> {
    return this.#once(["start", name, weights], async () => {
      const session = await this.#sessionOf(name, 1);
      this.#use(name, weights);
      session.reset();
      return session.state();
    });
  }

  call(name: Name, T: number, weights: StateDict, state: StateDict, active: readonly number[], input: number) {
    return this.#once(["call", name, T, weights, state, `${active}`, input], async () => {
      const session = await this.#sessionOf(name, T);
      this.#use(name, weights);
      session.setState(state);
      session.active = active;
      const outputs = await session.run({ x: sessionInput(T, input) });
      return { outputs, state: await session.state() };
    });
  }

  dispose(): void {
    this.#runtime.dispose();
  }
}
