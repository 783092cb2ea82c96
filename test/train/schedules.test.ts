import { describe, expect, test } from "vitest";
import { OptionError, StateDictError } from "../../src/errors.ts";
import { constant, cosine, plateau, type Schedule, stepDecay, warmup } from "../../src/train/schedules.ts";

const factors = (schedule: Schedule, steps: number) => Array.from({ length: steps }, (_, step) => schedule.lrAt(step));

function expectClose(actual: number[], expected: number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i] as number, 14);
}

// The learning rates that torch.optim.lr_scheduler of PyTorch 1.13 gives for lr = 1.
describe("schedules equal PyTorch's", () => {
  test("constant", () => expect(factors(constant(), 3)).toEqual([1, 1, 1]));

  test("stepDecay is StepLR", () => {
    expectClose(factors(stepDecay({ stepSize: 3, gamma: 0.5 }), 10), [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]);
    expect(stepDecay({ stepSize: 2 }).lrAt(4)).toBeCloseTo(0.01, 15);
  });

  test("cosine is CosineAnnealingLR until its end, and stays there", () => {
    expectClose(
      factors(cosine({ steps: 8, minFactor: 0.1 }), 11),
      [
        1, 0.9657457896300791, 0.8681980515339464, 0.7222075445642905, 0.55, 0.3777924554357097, 0.2318019484660537,
        0.134254210369921, 0.1, 0.1, 0.1,
      ],
    );
    expect(cosine({ steps: 5 }).lrAt(5)).toBe(0);
  });

  test("warmup is LinearLR", () => {
    expectClose(factors(warmup({ steps: 4 }), 6), [1 / 3, 0.5, 2 / 3, 5 / 6, 1, 1]);
  });

  test("warmup then cosine is SequentialLR", () => {
    expectClose(
      factors(warmup({ steps: 4, startFactor: 0.25, after: cosine({ steps: 5 }) }), 9),
      [0.25, 0.4375, 0.625, 0.8125, 1, 0.9045084971874737, 0.6545084971874737, 0.3454915028125263, 0.09549150281252632],
    );
  });

  const options = { factor: 0.5, patience: 1, threshold: 1e-3, minFactor: 0.2 };
  const losses = [3, 2.5, 2.5, 2.49999, 2.6, 2.4, 2.41, Number.NaN, 2.4, 2.39, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5];
  const expected = [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2];
  const observed = (schedule: Schedule, seen: number[]) =>
    seen.map((loss) => {
      const factor = schedule.lrAt(0);
      schedule.observe?.(loss);
      return factor;
    });

  test("plateau is ReduceLROnPlateau", () => {
    expectClose(observed(plateau(options), losses), expected);
    expectClose(observed(warmup({ steps: 1, startFactor: 1, after: plateau(options) }), [3]), [1]);
  });

  test.each([0, 1, 3, 4, 7, 9])("plateau continues from its state after %d observations, through JSON", (cut) => {
    const first = plateau(options);
    observed(first, losses.slice(0, cut));
    const second = warmup({ steps: 1, after: plateau(options) });
    second.restore?.(JSON.parse(JSON.stringify(first.state?.())));
    const rest = losses.slice(cut).map((loss) => {
      const factor = second.lrAt(1);
      second.observe?.(loss);
      return factor;
    });
    expectClose(rest, expected.slice(cut));
    expect(second.state?.()).toEqual(
      ((): number[] | undefined => {
        observed(first, losses.slice(cut));
        return first.state?.();
      })(),
    );
  });
});

describe("schedules refuse", () => {
  test.each([
    [() => stepDecay({ stepSize: 0 }), "stepDecay: stepSize is 0, expected a whole number of at least 1"],
    [() => stepDecay({ stepsize: 3 } as never), 'stepDecay: unknown option "stepsize"; options are stepSize, gamma'],
    [() => cosine({ steps: 2.5 }), "cosine: steps is 2.5"],
    [() => cosine({ steps: 5, minFactor: 2 }), "cosine: minFactor is 2"],
    [() => warmup({ steps: 5, startFactor: Number.NaN }), "warmup: startFactor is NaN"],
    [() => warmup({ steps: 5, after: {} as never }), "warmup: after is not a schedule"],
    [() => plateau({ factor: 1 }), "plateau: factor is 1, expected above 0 and below 1"],
    [() => plateau({ patience: -1 }), "plateau: patience is -1"],
    [() => plateau({ threshold: 1 }), "plateau: threshold is 1"],
  ])("%s", (make, message) => {
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  });

  test.each([[[]], [[1]], [[1, Number.NaN]], [[1, 2, 3, 4]]])("plateau: the saved state %j", (state) => {
    expect(() => plateau().restore?.(state)).toThrow(StateDictError);
  });
});
