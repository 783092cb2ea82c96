import type { Team } from "./team.ts";

export type Call = (...numbers: number[]) => void;

/** A stretch of rows or columns. */
export interface Range {
  readonly from: number;
  readonly count: number;
}

/** At most `parts` ranges of about equal length, each from a multiple of `step` on and at least `least` long. */
export function ranges(count: number, parts: number, step: number, least: number): Range[] {
  const number = Math.max(1, Math.min(parts, Math.floor(count / least)));
  const each = Math.ceil(count / number / step) * step;
  return Array.from({ length: Math.ceil(count / each) }, (_, i) => ({
    from: i * each,
    count: Math.min(each, count - i * each),
  }));
}

/** Calls of WebAssembly functions with fixed numbers, one after the other: what most dispatches become. */
export class Calls {
  readonly #functions: Call[] = [];
  readonly #numbers: (readonly number[])[] = [];

  add(call: Call, ...numbers: readonly number[]): void {
    this.#functions.push(call);
    this.#numbers.push(numbers);
  }

  /** Adds all calls of others. */
  append(other: Calls): void {
    this.#functions.push(...other.#functions);
    this.#numbers.push(...other.#numbers);
  }

  /** Adds calls that do not touch what the others of this call touch: on a team each thread makes some. */
  addDivided(team: Team | undefined, parts: readonly Calls[]): void {
    const lists = parts.slice(1).map((part) => team?.encode(part.#functions, part.#numbers));
    const isWhole = lists.every((list) => list !== undefined);
    const [first, ...others] = parts;
    this.add(() => {
      if (isWhole && team?.isReady) team.run(lists as Float64Array[], first!.run);
      else {
        first!.run();
        for (const part of others) part.run();
      }
    });
  }

  readonly run = (): void => {
    for (let i = 0; i < this.#functions.length; i++) this.#functions[i]!(...this.#numbers[i]!);
  };
}
