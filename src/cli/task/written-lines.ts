import type { TextScores } from "../../tasks/index.ts";
import { bar, percent, table } from "./table.ts";

/** How texts are searched for, by `--beam`. */
export const searchOf = (beam: unknown) => (beam === undefined ? {} : { beam: beam as number });

/** How good texts are that a model wrote. */
export const writtenLines = (scores: TextScores & { readonly loss: number }, rows: number): string[] => {
  const { exact, characterErrorRate, bleu, loss } = scores;
  return [
    `${percent(exact)} of ${rows} texts are right to the last character; loss ${loss.toFixed(4)}`,
    "",
    ...table(
      ["", "", ""],
      [
        ["exact", percent(exact), bar(exact)],
        ["BLEU", bleu.toFixed(3), bar(bleu)],
        ["character errors", percent(characterErrorRate), bar(characterErrorRate)],
      ],
    ).slice(1),
  ];
};
