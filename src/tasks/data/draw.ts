import { checkCount, checkOptions, OptionError, RandomStream, shown } from "../../index.ts";

/** English or Korean. */
export type Language = "en" | "ko";

/** What every generator takes. */
export interface DataOptions {
  /** How many rows; the first rows are the same for every count. */
  readonly count: number;
  /** A whole number from 0 to 4294967295, default 0: the same seed gives the same rows on every machine. */
  readonly seed?: number;
}

/** What generators of text take. */
export interface TextDataOptions extends DataOptions {
  /** Default "en". */
  readonly language?: Language;
}

/** Numbers by chance, for rows. Only sums, products and quotients are taken of them: engines differ in Math.sin and its like. */
export interface Draw {
  /** A number in [0, 1) with 24 bits. */
  uniform(): number;
  /** A whole number from 0 to n - 1. */
  below(n: number): number;
  /** One of a list. */
  pick<T>(all: readonly T[]): T;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** Mean 0, standard deviation 1. */
  normal(): number;
  /** The list in another order. */
  shuffled<T>(all: readonly T[]): T[];
  /** A text in which every `{this|that}` is one of the two; braces may stand in braces. */
  fill(template: string): string;
}

function drawFrom(stream: RandomStream): Draw {
  const below = (n: number) => Math.floor(stream.next() * n);
  const pick = <T>(all: readonly T[]): T => all[below(all.length)]!;
  return {
    uniform: () => stream.next(),
    below,
    pick,
    chance: (probability) => stream.next() < probability,
    normal: () => stream.normal(),
    shuffled(all) {
      const list = [...all];
      for (let i = list.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [list[i], list[j]] = [list[j]!, list[i]!];
      }
      return list;
    },
    fill(template) {
      let text = template;
      while (text.includes("{")) text = text.replace(/\{([^{}]*)\}/g, (_, choices: string) => pick(choices.split("|")));
      return text;
    },
  };
}

/** Requires a language that the generators write. */
export function checkLanguage(what: string, language: unknown): Language {
  if (language === "en" || language === "ko") return language;
  throw new OptionError(`${what}: language is ${shown(language)}, expected "en" or "ko"`);
}

/**
 * The rows of a generator.
 * @param what the generator's name, which its numbers depend on
 * @param own the names of the options that it has besides `count` and `seed`
 * @param makeRow called once for each row
 * @throws OptionError for an unknown option, or a count or seed out of range
 */
export function makeRows<Row>(
  what: string,
  options: DataOptions,
  own: readonly string[],
  makeRow: (draw: Draw) => Row,
): Row[] {
  checkOptions(what, options, ["count", "seed", ...own]);
  const count = checkCount(what, "count", options.count);
  const draw = drawFrom(new RandomStream(options.seed ?? 0, what));
  return Array.from({ length: count }, () => makeRow(draw));
}

/** The next of a list in turns: every round has all of them, in another order, so that classes are balanced to the row. */
export function takeTurns<T>(all: readonly T[]): (draw: Draw) => T {
  let left: T[] = [];
  return (draw) => {
    if (left.length === 0) left = draw.shuffled(all);
    return left.pop()!;
  };
}
