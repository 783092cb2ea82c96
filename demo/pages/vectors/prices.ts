/** Tomorrow's price, from numbers that are scaled and from categories that are vectors. */
import { adamW, Embedding, functional, GRU, Linear, Module, mse, type Runtime, type Tensor } from "webgpu-rnn";
import type { Day } from "./data.ts";
import { WINDOW, windowsOf } from "./windows.ts";

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
  const { price, numbersOf, batchOf, heldOut, drawn } = windowsOf(days, seed);
  const loss = (output: { price: Tensor }, target: Tensor) => mse().apply(output.price, target);
  const learners = [true, false].map((hasCategories) => {
    const model = new NextPrice(hasCategories);
    runtime.initialize(model, { seed });
    const trainer = runtime.trainer(model, {
      // Weights decay: what a vector does not need goes, and categories that do the same become alike.
      optimizer: adamW({ lr: 0.01, weightDecay: 1.5 }),
      loss,
      clipNorm: 1,
      seed,
    });
    const batch = (starts: readonly number[], length = WINDOW) => batchOf(starts, length, hasCategories);
    return { model, trainer, batch };
  });
  const said = async ({ model, batch }: (typeof learners)[number]) => {
    // It reads two weeks before it is measured.
    const { price: found } = await runtime.predict(
      model,
      batch([heldOut.first - WINDOW], heldOut.days.length + WINDOW).x,
    );
    return Array.from(found!.data.slice(WINDOW), price.from);
  };
  try {
    for (let step = 1; step <= steps; step++) {
      const starts = drawn(32);
      for (const { trainer, batch } of learners) await trainer.step(batch(starts));
      if (step % 10 !== 1 && step !== steps) yield {};
      else {
        const [joined, plain] = [await said(learners[0]!), await said(learners[1]!)];
        const error = (all: readonly number[]) =>
          all.reduce((sum, one, i) => sum + Math.abs(one - heldOut.days[i]!.price), 0) / all.length;
        const weights = await runtime.stateDict(learners[0]!.model);
        const rows = (name: string) => {
          const { data, shape } = weights[`categories.${name}.weight`]!;
          return Array.from({ length: shape[0]! }, (_, i) => [data[2 * i]!, data[2 * i + 1]!]);
        };
        yield {
          errors: { joined: error(joined), plain: error(plain) },
          days: heldOut.days.map(({ price, weekday, weather }, i) => {
            const numbers = numbersOf(heldOut.first + i);
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
