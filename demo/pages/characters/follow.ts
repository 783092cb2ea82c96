/** Which units follow something of a text: words, spaces, line ends. */

export const indicators = ["words", "spaces", "lines"] as const;
export type Indicator = (typeof indicators)[number];

export interface Following {
  readonly unit: number;
  /** Of its state with the indicator, -1 to 1. */
  readonly correlation: number;
}

/** A number for each character: how many letters of its word were read; whether it is a space; whether it ends a line. */
export function indicate(characters: readonly string[], indicator: Indicator): Float64Array {
  let letters = 0;
  return Float64Array.from(characters, (character) => {
    letters = /[\p{L}\p{N}]/u.test(character) ? letters + 1 : 0;
    if (indicator === "words") return letters;
    return Number(character === (indicator === "spaces" ? " " : "\n"));
  });
}

/** Places with something and those without it count the same together, so that line ends, which are rare, count. */
export function weightsOf(indicated: Float64Array): Float64Array {
  const ones = indicated.filter((value) => value > 0).length;
  const share = (value: number) => 1 / (2 * (value > 0 ? ones : indicated.length - ones));
  return indicated.map(share);
}

/**
 * Pearson's correlation; 0 where one of both does not vary. `a` is every `stride`-th number from `from` on.
 * @param weights of the places; they add up to 1
 */
export function correlation(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  weights: ArrayLike<number>,
  from = 0,
  stride = 1,
): number {
  let [meanA, meanB, squaresA, squaresB, products] = [0, 0, 0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    const [x, y, weight] = [a[from + i * stride]!, b[i]!, weights[i]!];
    meanA += weight * x;
    meanB += weight * y;
    squaresA += weight * x * x;
    squaresB += weight * y * y;
    products += weight * x * y;
  }
  const variances = (squaresA - meanA ** 2) * (squaresB - meanB ** 2);
  return variances > 1e-12 ? (products - meanA * meanB) / Math.sqrt(variances) : 0;
}

/** The units that follow an indicator best, whichever way round. @param states by character and unit */
export function following(
  characters: readonly string[],
  states: ArrayLike<number>,
  indicator: Indicator,
  most: number,
): Following[] {
  const wanted = indicate(characters, indicator);
  const weights = weightsOf(wanted);
  const units = states.length / characters.length;
  const all = Array.from({ length: units }, (_, unit) => unit);
  return all
    .map((unit) => ({ unit, correlation: correlation(states, wanted, weights, unit, units) }))
    .sort((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation))
    .slice(0, most);
}
