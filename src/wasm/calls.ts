export type Call = (...numbers: number[]) => void;

/** Calls of WebAssembly functions with fixed numbers, one after the other: what most dispatches become. */
export class Calls {
  readonly #functions: Call[] = [];
  readonly #numbers: (readonly number[])[] = [];

  add(call: Call, ...numbers: readonly number[]): void {
    this.#functions.push(call);
    this.#numbers.push(numbers);
  }

  readonly run = (): void => {
    for (let i = 0; i < this.#functions.length; i++) this.#functions[i]!(...this.#numbers[i]!);
  };
}
