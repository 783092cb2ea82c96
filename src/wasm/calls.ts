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

  /**
   * Adds the calls of each range, of which none touches what those of another one touch: on a team each thread makes those of one.
   * @param add adds a range's calls to `calls`; `thread` counts the ranges
   */
  divide(
    team: () => Team | undefined,
    all: readonly Range[],
    add: (calls: Calls, range: Range, thread: number) => void,
  ): void {
    if (all.length === 1) {
      add(this, all[0]!, 0);
      return;
    }
    const [own, ...others] = all.map((range, thread) => {
      const calls = new Calls();
      add(calls, range, thread);
      return calls;
    });
    const members = team();
    const lists = others.map((calls) => members?.encode(calls.#functions, calls.#numbers));
    const isWhole = lists.every((list) => list !== undefined);
    this.add(() => {
      if (isWhole && members?.isReady) members.run(lists as Float64Array[], own!.run);
      else {
        own!.run();
        for (const calls of others) calls.run();
      }
    });
  }

  readonly run = (): void => {
    for (let i = 0; i < this.#functions.length; i++) this.#functions[i]!(...this.#numbers[i]!);
  };
}
