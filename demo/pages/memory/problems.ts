/** Three problems that a network can only solve by remembering, with rows of one form. All of it is made up. */
import { crossEntropy, type Field, field, type Loss, mse, type NumberArray, Vocabulary } from "webgpu-rnn";
import { addingProblem, copyMemory, type Language, pronounAtDistance } from "webgpu-rnn/tasks/data";

export type ProblemName = "pronoun" | "adding" | "copy";

export interface Row {
  /** Of each step: a token, or a value and its marker. */
  readonly input: readonly number[] | readonly (readonly number[])[];
  /** What the network has to say in the last steps. */
  readonly target: readonly number[];
  /** The steps as a reader sees them; those that are to be remembered are marked. */
  readonly steps: readonly { readonly unit: string; readonly isMarked: boolean }[];
}

export interface Problem {
  readonly sizes: { readonly inputs: number; readonly outputs: number; readonly answers: number };
  readonly learningRate: number;
  readonly steps: number;
  /** The networks train on these shares of the distance: shorter rows show the way to longer ones. */
  readonly shares: readonly number[];
  readonly loss: Loss;
  /** What a batch takes from a row. */
  readonly fields: { readonly x: Field<Row>; readonly target: Field<Row> };
  /** How often who guesses is right. */
  readonly chance: number;
  rows(distance: number, count: number, seed: number): Row[];
  /** The answer that some outputs stand for. */
  said(outputs: NumberArray): number;
  isRight(said: number, target: number): boolean;
  shown(answer: number): string;
}

/** What problems have in common whose steps are tokens and whose answers are classes. */
const ofClasses = {
  loss: crossEntropy(),
  fields: {
    x: field.tokens((row: Row) => row.input as number[]),
    target: field.labels((row: Row) => row.target, undefined, { axis: "answer" }),
  },
  said: (outputs: NumberArray) => outputs.indexOf(Math.max(...outputs)),
  isRight: (said: number, target: number) => said === target,
};

/** A person, so many words about nobody, and the question: he or she? */
function pronoun(language: Language): Problem {
  const all = pronounAtDistance({ count: 1000, distance: 30, language });
  const vocabulary = Vocabulary.fromTexts([["."], ...all.map(({ words }) => words)], { special: [] });
  const labels = language === "ko" ? ["그는", "그녀는"] : ["he", "she"];
  return {
    ...ofClasses,
    sizes: { inputs: vocabulary.size, outputs: 2, answers: 1 },
    ...{ learningRate: 0.005, steps: 400, shares: [0.275, 0.5, 0.75, 1], chance: 1 / 2 },
    rows: (distance, count, seed) =>
      pronounAtDistance({ count, distance, seed, language }).map(({ words, label }) => {
        const person = words.length - distance - 1;
        // "Anna" is one word and "my father" two: a full stop before Anna makes rows equally long.
        const even = person === 1 ? [".", ...words] : words;
        return {
          input: even.map((word) => vocabulary.symbols.indexOf(word)),
          target: [labels.indexOf(label)],
          steps: words.map((unit, t) => ({ unit, isMarked: t < person })),
        };
      }),
    shown: (answer) => labels[answer]!,
  };
}

/** As many numbers, two of them marked: what is their sum? */
const adding: Problem = {
  sizes: { inputs: 2, outputs: 1, answers: 1 },
  // Sums lie between 0 and 2, and mostly near 1: who always says 1 is this often within 0.1.
  ...{ learningRate: 0.01, steps: 900, shares: [0.25, 0.5, 0.75, 1], chance: 0.19 },
  loss: mse(),
  fields: {
    x: field.series((row: Row) => row.input as number[][]),
    target: field.series((row: Row) => row.target, { axis: "answer" }),
  },
  rows: (distance, count, seed) =>
    addingProblem({ count, length: distance, seed }).map(({ values, target }) => ({
      input: values,
      target: [target],
      steps: values.map(([value, marker]) => ({ unit: value.toFixed(2), isMarked: marker === 1 })),
    })),
  said: ([sum]) => sum!,
  isRight: (said, target) => Math.abs(said - target) < 0.1,
  shown: (answer) => answer.toFixed(2),
};

const letters = ["A", "B", "C", "D"];
const copied = 3;

/** Three letters, so many blanks, and the sign to write them down. */
const copy: Problem = {
  ...ofClasses,
  sizes: { inputs: letters.length + 2, outputs: letters.length, answers: copied },
  ...{ learningRate: 0.01, steps: 900, shares: [0.25, 0.5, 0.75, 1], chance: 1 / letters.length },
  rows: (distance, count, seed) =>
    copyMemory({ count, length: distance, symbols: letters.length, copied, seed }).map(({ input, target }) => ({
      input,
      target: target.slice(-copied),
      steps: input.map((token, t) => ({ unit: [...letters, "·", "?"][token]!, isMarked: t < copied })),
    })),
  shown: (answer) => letters[answer]!,
};

export const problemOf = (name: ProblemName, language: Language): Problem =>
  name === "pronoun" ? pronoun(language) : name === "adding" ? adding : copy;
