/** How well classes were told apart. */
export interface ClassReport {
  /** The share that is right. */
  readonly accuracy: number;
  /** Unweighted mean of the classes' F1. */
  readonly macroF1: number;
  /** By class: of those said to be it, of those that are it, and their harmonic mean; 0 where there is none. */
  readonly classes: Readonly<
    Record<string, { readonly precision: number; readonly recall: number; readonly f1: number; readonly count: number }>
  >;
  /** How often a class (row) was said to be another (column), in the order of `labels`. */
  readonly confusion: readonly (readonly number[])[];
  readonly labels: readonly string[];
}

/** Tells how good a validation is, the smaller the better: by accuracy, and by the loss where accuracies are equal. */
export const byAccuracy = (accuracy: number, loss: number): number => 1e-8 * loss - accuracy;

const ratio = (part: number, all: number): number => (all === 0 ? 0 : part / all);

/**
 * Precision, recall and F1 by class, as scikit-learn's `classification_report`.
 * @param truth numbers of classes @param said the classes that were predicted, as many
 */
export function classReport(labels: readonly string[], truth: ArrayLike<number>, said: ArrayLike<number>): ClassReport {
  const confusion = labels.map(() => labels.map(() => 0));
  for (let i = 0; i < truth.length; i++) confusion[truth[i]!]![said[i]!]!++;
  const classes = labels.map((label, c) => {
    const right = confusion[c]![c]!;
    const count = confusion[c]!.reduce((sum, n) => sum + n, 0);
    const precision = ratio(
      right,
      confusion.reduce((sum, row) => sum + row[c]!, 0),
    );
    const recall = ratio(right, count);
    return [label, { precision, recall, f1: ratio(2 * precision * recall, precision + recall), count }] as const;
  });
  const right = labels.reduce((sum, _, c) => sum + confusion[c]![c]!, 0);
  const present = classes.filter(([, { count }]) => count > 0);
  return {
    accuracy: ratio(right, truth.length),
    macroF1: ratio(
      present.reduce((sum, [, { f1 }]) => sum + f1, 0),
      present.length,
    ),
    classes: Object.fromEntries(classes),
    confusion,
    labels,
  };
}
