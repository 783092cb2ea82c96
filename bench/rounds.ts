/** How anything is timed, in Node and in a page: rounds of many units, and what is said of them. Without imports, so that pages share it. */

/** Milliseconds of a unit (a dispatch, a step, a call, a text). */
export interface Times {
  readonly median: number;
  readonly least: number;
  /** Between these lies the middle half of the rounds. */
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

const ascending = (times: readonly number[]): number[] => [...times].sort((a, b) => a - b);

export const medianOf = (times: readonly number[]): number => ascending(times)[times.length >> 1]!;

export function timesOf(times: readonly number[]): Times {
  const sorted = ascending(times);
  const quarter = sorted.length >> 2;
  return {
    median: medianOf(times),
    least: sorted[0]!,
    low: sorted[quarter]!,
    high: sorted[sorted.length - 1 - quarter]!,
    rounds: sorted.length,
  };
}

/**
 * Runs some units once to warm up and once to see how many make a round.
 * @param run so many units, until their results are here
 * @param options.milliseconds of a round, so that neither a coarse clock nor a slow machine's patience is at its end
 * @returns runs a round, and gives the milliseconds of one unit of it
 */
export async function roundsOf(
  run: (units: number) => Promise<unknown>,
  { milliseconds = 300, least = 2, most = 100 } = {},
): Promise<() => Promise<number>> {
  const timed = async (units: number) => {
    const start = performance.now();
    await run(units);
    return performance.now() - start;
  };
  const enough = (units: number, took: number) =>
    Math.min(most, Math.max(least, Math.round((units * milliseconds) / took)));
  await run(least);
  let units = enough(least, await timed(least));
  return async () => {
    for (;;) {
      const took = await timed(units);
      if (took >= milliseconds / 4 || units === most) return took / units;
      // Something else had the machine when they were counted, and a short round is none: a clock may say that it took no time.
      units = Math.max(units + 1, enough(units, took));
    }
  };
}
