/**
 * The k-th smallest of the scores that conformal prediction takes: k = ⌈share·(n + 1)⌉, the largest where there are too few.
 * @param share of new scores that are to be no larger, from 0 to 1
 */
export function conformalScore(scores: readonly number[], share: number): number {
  const sorted = [...scores].sort((a, b) => a - b);
  const k = Math.min(sorted.length, Math.max(1, Math.ceil(share * (sorted.length + 1))));
  return sorted[k - 1]!;
}

/**
 * How far each interval has to be widened on both sides (negative: narrowed) so that it holds its share of numbers that the model
 * was not trained on: conformalized quantile regression (Romano, Patterson and Candès 2019, equations 6 and 8).
 * @param quantiles ascending and symmetric about 0.5: the first and the last are an interval, and so on inwards
 * @param forecasts of each number, its quantiles
 * @param truth the numbers; NaN where there is none
 * @returns of each interval, from the outside inwards; 0 where nothing is known
 */
export function widenings(
  quantiles: readonly number[],
  forecasts: readonly (readonly number[])[],
  truth: readonly number[],
): number[] {
  const last = quantiles.length - 1;
  return Array.from({ length: last / 2 }, (_, i) => {
    const scores = truth.flatMap((y, n) => {
      const [low, high] = [forecasts[n]![i]!, forecasts[n]![last - i]!];
      return Number.isNaN(y) ? [] : [Math.max(low - y, y - high)];
    });
    return scores.length > 0 ? conformalScore(scores, quantiles[last - i]! - quantiles[i]!) : 0;
  });
}

/** Quantiles with their intervals widened, in ascending order, and none beyond the median. */
export function widened(quantiles: readonly number[], by: readonly number[]): number[] {
  const middle = (quantiles.length - 1) / 2;
  const median = quantiles[middle]!;
  const low = by.map((e, i) => Math.min(quantiles[i]! - e, median)).sort((a, b) => a - b);
  const high = by.map((e, i) => Math.max(quantiles[quantiles.length - 1 - i]! + e, median)).sort((a, b) => a - b);
  return [...low, median, ...high];
}
