/** Classifiers of two units, trained by stochastic gradient descent: one sequence, one step. */
import { functional, Linear, Module, RandomStream, RNN, type Runtime, type StateDict, type Tensor } from "webgpu-rnn";
import { unroll } from "webgpu-rnn/tasks";
import { type Activation, type Sequence, sequences, type Weights } from "./data.ts";
import { firstWeights, lossOf, softmax } from "./start.ts";

/** h_t = φ(U·x_t + W·h_(t-1) + b) with h_0 = 0, and y = softmax(V·h_T). Over one step it is a feed-forward network. */
export class Network extends Module {
  rnn: RNN;
  head = new Linear({ inFeatures: 2, outFeatures: 2, bias: false });
  constructor(activation: Activation, inputSize: number) {
    super();
    this.rnn = new RNN({ inputSize, hiddenSize: 2, nonlinearity: activation === "sigmoid" ? "Sigmoid" : activation });
  }
  forward(x: Tensor) {
    return { logits: this.head.forward(functional.lastPool(this.rnn.forward(x).output)) };
  }
}

const numbers = (shape: number[], data: readonly number[]) => ({ shape, data: Float64Array.from(data) });

export class Learner {
  readonly #runtime: Runtime;
  readonly #network: Network;
  readonly #reads: readonly (readonly number[])[];
  weights: Weights;

  /** @param reads which numbers of a sequence each step takes in: [[0], [1], [2]] is one after another, [[0, 1, 2]] all at once */
  constructor(runtime: Runtime, activation: Activation, seed: number, reads: readonly (readonly number[])[]) {
    this.#runtime = runtime;
    this.#network = new Network(activation, reads[0]!.length);
    this.#reads = reads;
    this.weights = firstWeights(seed, reads[0]!.length);
  }

  #load(sequences: readonly Sequence[]) {
    const { U, W, b, V } = this.weights;
    const I = U.length / 2;
    this.#runtime.loadStateDict(this.#network, {
      "rnn.weight_ih_l0": numbers([2, I], U),
      "rnn.weight_hh_l0": numbers([2, 2], W),
      "rnn.bias_ih_l0": numbers([2], b),
      "rnn.bias_hh_l0": numbers([2], [0, 0]), // the library has two vectors b, as PyTorch does
      "head.weight": numbers([2, 2], V),
    });
    const x = this.#reads.flatMap((step) => sequences.flatMap(({ x }) => step.map((i) => x[i]!)));
    return numbers([this.#reads.length, sequences.length, I], x);
  }

  /** Every number of a sequence, and every path of its gradient that is at most `cut` steps long. */
  async follow(sequence: Sequence, cut = 3) {
    const target = { shape: [1], data: Int32Array.of(sequence.label) };
    const found = await unroll(this.#runtime, this.#network, { x: this.#load([sequence]), target }, { steps: cut });
    const [layer] = found.layers;
    const h = [...layer!.states.h!.data];
    const z = [...found.outputs.logits!.data];
    const y = softmax(z);
    // V is used once: its gradient is ∂E/∂z, which is y less 1 at the class, times the last h.
    const V = y.flatMap((one, k) => h.slice(-2).map((unit) => (one - Number(k === sequence.label)) * unit));
    return {
      ...sequence,
      ...{ weights: this.weights, a: [...layer!.gates.a!.preactivation.data], h, z, y, loss: found.losses[0]! },
      paths: found.paths.map(({ step, gradients }) => ({ step: step + 1, ...byName(gradients) })),
      gradient: { ...byName(found.gradients), V },
    };
  }

  /** A step of gradient descent: θ ← θ - rate · ∂E/∂θ. */
  async learn(sequence: Sequence, rate: number, cut?: number) {
    const { gradient } = await this.follow(sequence, cut);
    const moved = (name: keyof Weights) => this.weights[name].map((one, i) => one - rate * gradient[name][i]!);
    this.weights = { U: moved("U"), W: moved("W"), b: moved("b"), V: moved("V") };
  }

  /** The probabilities of both classes for each of some sequences. */
  async judge(sequences: readonly Sequence[]): Promise<number[][]> {
    const { logits } = await this.#runtime.predict(this.#network, this.#load(sequences));
    return sequences.map((_, n) => softmax([...logits!.data].slice(2 * n, 2 * n + 2)));
  }

  dispose() {
    this.#runtime.release(this.#network);
  }
}

const byName = (gradients: StateDict) => ({
  U: [...gradients["rnn.weight_ih_l0"]!.data],
  W: [...gradients["rnn.weight_hh_l0"]!.data],
  b: [...gradients["rnn.bias_ih_l0"]!.data],
});

/** The recurrent network, and two feed-forward ones that see the last number, or all three at once. */
export const learners = (runtime: Runtime, activation: Activation, seed: number) => ({
  recurrent: new Learner(runtime, activation, seed, [[0], [1], [2]]),
  last: new Learner(runtime, activation, seed, [[2]]),
  all: new Learner(runtime, activation, seed, [[0, 1, 2]]),
});

export type Learners = ReturnType<typeof learners>;

/** Teaches each of them the same sequences. @returns after each step, its loss over all eight */
export async function* train(all: Partial<Learners>, steps: number, seed: number, rate: number, cut: number) {
  const random = new RandomStream(seed, "which sequence");
  for (let step = 1; step <= steps; step++) {
    const sequence = sequences[Math.floor(random.next() * sequences.length)]!;
    const values: Record<string, number> = {};
    for (const [name, learner] of Object.entries(all)) {
      await learner.learn(sequence, rate, cut);
      values[name] = lossOf(await learner.judge(sequences));
    }
    yield { step, steps, values };
  }
}
