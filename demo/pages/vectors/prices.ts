/** Tomorrow's price, from numbers that are scaled and from categories that are vectors. */
import {
  adamW,
  Embedding,
  functional,
  GRU,
  Linear,
  Module,
  mse,
  RandomStream,
  type Runtime,
  type Tensor,
} from "webgpu-rnn";
import type { Day } from "./data.ts";

const WINDOW = 14;
/** The last days are kept apart. */
const HELD_OUT = 56;

class NextPrice extends Module {
  categories: Record<string, Embedding> = {};
  gru: GRU;
  head = new Linear({ inFeatures: 12, outFeatures: 1 });

  /** @param hasCategories whether it sees them; without them it has the numbers alone */
  constructor(hasCategories: boolean) {
    super();
    if (hasCategories) {
      this.categories.weekday = new Embedding({ numEmbeddings: 7, embeddingDim: 2 });
      this.categories.weather = new Embedding({ numEmbeddings: 4, embeddingDim: 2 });
    }
    this.gru = new GRU({ inputSize: hasCategories ? 6 : 2, hiddenSize: 12 });
  }

  forward({ numbers, ...categories }: { numbers: Tensor; [name: string]: Tensor }) {
    const vectors = Object.entries(this.categories).map(([name, vector]) => vector.forward(categories[name]!));
    // One vector for each day: two numbers, and two for each category.
    const x = functional.concat([numbers, ...vectors]);
    return { price: this.head.forward(this.gru.forward(x).output) };
  }
}

/** Numbers with a mean of 0 and a standard deviation of 1, and back. */
function scaling(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { to: (value: number) => (value - mean) / deviation, from: (value: number) => value * deviation + mean };
}

/** A day kept apart: its price, and what was said of it with categories and without. */
export interface SaidDay {
  readonly price: number;
  readonly joined: number;
  readonly plain: number;
  /** What was read for it: scaled numbers, and categories. */
  readonly numbers: readonly number[];
  readonly weekday: number;
  readonly weather: number;
}

export interface PriceStep {
  /** Every few steps: the mean error on the days kept apart, these days, and the vectors. */
  readonly errors?: { readonly joined: number; readonly plain: number };
  readonly days?: readonly SaidDay[];
  readonly vectors?: { readonly weekday: readonly number[][]; readonly weather: readonly number[][] };
}

/** Two networks learn from the same days: one with categories, one without. */
export async function* learnPrices(
  runtime: Runtime,
  days: readonly Day[],
  { seed, steps }: { readonly seed: number; readonly steps: number },
): AsyncGenerator<PriceStep> {
  const training = days.slice(0, -HELD_OUT);
  const price = scaling(training.map((day) => day.price));
  const temperature = scaling(training.map((day) => day.temperature));
  /** Today's price, and the temperature that is forecast for tomorrow. */
  const numbersOf = (t: number) => [price.to(days[t]!.price), temperature.to(days[t + 1]!.temperature)];
  /** Windows that begin on these days. Weekday and weather are tomorrow's. */
  const batchOf = (starts: readonly number[], length: number, hasCategories: boolean) => {
    const at = Array.from({ length }, (_, t) => starts.map((start) => start + t)).flat();
    const shape = [length, starts.length];
    const category = (name: "weekday" | "weather") => ({ shape, data: Int32Array.from(at, (t) => days[t + 1]![name]) });
    const numbers = at.flatMap(numbersOf);
    return {
      x: {
        numbers: { shape: [...shape, 2], data: Float32Array.from(numbers) },
        ...(hasCategories && { weekday: category("weekday"), weather: category("weather") }),
      },
      target: { shape: [...shape, 1], data: Float32Array.from(at, (t) => price.to(days[t + 1]!.price)) },
    };
  };
  // Weights decay: what a vector does not need goes, and categories that do the same become alike.
  const loss = (output: { price: Tensor }, target: Tensor) => mse().apply(output.price, target);
  const learners = [true, false].map((hasCategories) => {
    const model = new NextPrice(hasCategories);
    runtime.initialize(model, { seed });
    const trainer = runtime.trainer(model, {
      optimizer: adamW({ lr: 0.01, weightDecay: 1.5 }),
      loss,
      clipNorm: 1,
      seed,
    });
    const batch = (starts: readonly number[], length = WINDOW) => batchOf(starts, length, hasCategories);
    return { model, trainer, batch };
  });
  const first = training.length - 1;
  const said = async ({ model, batch }: (typeof learners)[number]) => {
    // It reads two weeks before it is measured.
    const { price: found } = await runtime.predict(model, batch([first - WINDOW], HELD_OUT + WINDOW).x);
    return Array.from(found!.data.slice(WINDOW), price.from);
  };
  const random = new RandomStream(seed, "windows");
  try {
    for (let step = 1; step <= steps; step++) {
      const starts = Array.from({ length: 32 }, () => Math.floor(random.next() * (training.length - WINDOW - 1)));
      for (const { trainer, batch } of learners) await trainer.step(batch(starts));
      if (step % 10 !== 1 && step !== steps) yield {};
      else {
        const [joined, plain] = [await said(learners[0]!), await said(learners[1]!)];
        const heldOut = days.slice(first + 1);
        const error = (all: readonly number[]) =>
          all.reduce((sum, one, i) => sum + Math.abs(one - heldOut[i]!.price), 0) / all.length;
        const weights = await runtime.stateDict(learners[0]!.model);
        const rows = (name: string) => {
          const { data, shape } = weights[`categories.${name}.weight`]!;
          return Array.from({ length: shape[0]! }, (_, i) => [data[2 * i]!, data[2 * i + 1]!]);
        };
        yield {
          errors: { joined: error(joined), plain: error(plain) },
          days: heldOut.map(({ price, weekday, weather }, i) => {
            const numbers = numbersOf(first + i);
            return { price, weekday, weather, numbers, joined: joined[i]!, plain: plain[i]! };
          }),
          vectors: { weekday: rows("weekday"), weather: rows("weather") },
        };
      }
    }
  } finally {
    for (const { model } of learners) runtime.release(model);
  }
}
