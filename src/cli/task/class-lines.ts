/** Classes with probabilities, and how well they were told apart, as lines. */
import type { ClassReport } from "../../tasks/index.ts";
import { bar, percent, table } from "./table.ts";

/** So many of the likeliest are shown. */
const MOST = 5;

/** `good 93.4 %  bad 6.6 %`, the likeliest first. */
export const likeliest = (probabilities: Readonly<Record<string, number>>): string =>
  Object.entries(probabilities)
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST)
    .map(([label, p]) => `${label} ${percent(p)}`)
    .join("  ");

/** A line for each class, with its F1 as a bar. */
export function classLines({ classes }: ClassReport): string[] {
  const counted = Object.entries(classes).map(([label, { precision, recall, f1, count }]) => [
    label,
    count,
    precision.toFixed(3),
    recall.toFixed(3),
    f1.toFixed(3),
    bar(f1),
  ]);
  return table(["class", "count", "precision", "recall", "F1", ""], counted);
}

/** More classes are no table that anybody reads. */
const MOST_CLASSES = 8;
const MOST_CONFUSED = 10;

/** The confusion matrix; of many classes what was taken for another one most often. */
export function confusionLines({ labels, confusion }: ClassReport): string[] {
  if (labels.length <= MOST_CLASSES)
    return table(
      ["is \\ said", ...labels],
      labels.map((label, c) => [label, ...confusion[c]!]),
    );
  const wrong = confusion.flatMap((said, is) =>
    said.flatMap((times, c) => (c !== is && times > 0 ? [{ is: labels[is]!, said: labels[c]!, times }] : [])),
  );
  wrong.sort((a, b) => b.times - a.times);
  return table(
    ["is", "said", "times"],
    wrong.slice(0, MOST_CONFUSED).map(({ is, said, times }) => [is, said, times]),
  );
}
