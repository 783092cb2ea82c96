import { DataError, shown } from "../../index.ts";

/**
 * Area under the ROC curve of scores that are to be larger for anomalies: the share of all pairs of a normal and an anomalous
 * row in which the anomalous one has the larger score; equal ones count half (Fawcett 2006, "An introduction to ROC analysis",
 * section 7). 0.5 is chance, 1 is no mistake.
 * @param scoresNormal of normal rows, at least one @param scoresAnomalous of anomalous rows, at least one
 * @throws DataError for no scores, and naming the first one that is no number
 */
export function areaUnderCurve(scoresNormal: ArrayLike<number>, scoresAnomalous: ArrayLike<number>): number {
  const all = [...checked("normal", scoresNormal, 0), ...checked("anomalous", scoresAnomalous, 1)];
  all.sort((a, b) => a.score - b.score);
  let [pairs, below] = [0, 0];
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]!.score === all[from]!.score) to++;
    const tied = all.slice(from, to);
    const anomalous = tied.reduce((sum, { anomaly }) => sum + anomaly, 0);
    const normal = tied.length - anomalous;
    pairs += anomalous * (below + normal / 2);
    below += normal;
    from = to;
  }
  return pairs / (scoresNormal.length * scoresAnomalous.length);
}

function checked(which: string, scores: ArrayLike<number>, anomaly: 0 | 1) {
  if (!(Array.isArray(scores) || ArrayBuffer.isView(scores)) || scores.length === 0)
    throw new DataError(
      `areaUnderCurve: the scores of ${which} rows are ${shown(scores)}, expected at least one number`,
    );
  return Array.from(scores, (score, i) => {
    if (typeof score === "number" && !Number.isNaN(score)) return { score, anomaly };
    throw new DataError(`areaUnderCurve: score ${i} of the ${which} rows is ${shown(score)}, expected a number`);
  });
}
