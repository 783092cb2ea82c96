import { serve } from "../../shell/training-worker.ts";
import { type Activation, type Sequence, sequences, type Weights } from "./data.ts";
import { type Learners, learners, train } from "./program.ts";
import { firstWeights } from "./start.ts";

export interface Settings {
  readonly activation: Activation;
  readonly cut: number;
  readonly rate: number;
  readonly seed: number;
}

const STEPS = 160;

export const questions = {
  /** Numbers of a sequence, with these weights if there are any; and what each network says of all eight. */
  async look(all: Learners, { sequence, weights }: { sequence: Sequence; weights: Weights | undefined }) {
    if (weights) all.recurrent.weights = weights;
    const [recurrent, last] = [await all.recurrent.follow(sequence), await all.last.follow(sequence)];
    const judged: Record<string, number[][]> = {};
    for (const [name, learner] of Object.entries(all)) judged[name] = await learner.judge(sequences);
    return { recurrent, last, judged };
  },
  /** One step of gradient descent on a sequence. */
  async learn({ recurrent }: Learners, { sequence, rate, cut }: { sequence: Sequence; rate: number; cut: number }) {
    await recurrent.learn(sequence, rate, cut);
    return recurrent.weights;
  },
  /** What the network knew before it learned. */
  first: (_: Learners, seed: number) => firstWeights(seed, 1),
};

export default serve(async function* (
  runtime,
  { activation, cut, rate, seed }: Settings,
  keep: (all: Learners) => void,
) {
  const all = learners(runtime, activation, seed);
  keep(all);
  yield* train(all, STEPS, seed, rate, cut);
}, questions);
