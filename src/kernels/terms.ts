import { InternalError } from "../errors.ts";
import type { Expression, ExpressionValue } from "../plan/expression.ts";
import { type DType, isWhole } from "../tensor-data.ts";
import { type OperationName, operationKinds } from "./operation-kinds.ts";
import { operations } from "./operations.ts";

/** A value of an expression that is being written. */
export interface Term {
  readonly id: number;
  readonly dtype: DType;
}

type Made =
  | { readonly leaf: number; readonly dtype: DType }
  | { readonly constant: number; readonly dtype: DType }
  | { readonly apply: OperationName; readonly to: readonly number[]; readonly dtype: DType };

/** Writes expressions: equal values are one term, and what can be known beforehand is. */
export class Terms {
  readonly #made: Made[] = [];
  readonly #known = new Map<string, Term>();

  #term(made: Made): Term {
    // Unlike JSON, text tells infinities apart, and -0 from 0.
    const number = "constant" in made && (Object.is(made.constant, -0) ? "-0" : String(made.constant));
    const key = JSON.stringify([number, made]);
    const term = this.#known.get(key) ?? { id: this.#made.push(made) - 1, dtype: made.dtype };
    this.#known.set(key, term);
    return term;
  }

  /** An element of an input. */
  leaf(leaf: number, dtype: DType): Term {
    return this.#term({ leaf, dtype });
  }

  constant(constant: number, dtype: DType = "f32"): Term {
    return this.#term({ constant, dtype });
  }

  #constantOf({ id }: Term): number | undefined {
    const made = this.#made[id]!;
    return "constant" in made ? made.constant : undefined;
  }

  /** Whether a term is this leaf as it stands. */
  isLeaf({ id }: Term, leaf: number): boolean {
    const made = this.#made[id]!;
    return "leaf" in made && made.leaf === leaf;
  }

  /**
   * An operation on terms and plain numbers. Whole numbers stay i32 where the operation is known for them; where f32 and i32
   * meet, the whole numbers become f32.
   */
  apply(name: OperationName, ...operands: readonly (Term | number)[]): Term {
    const { operands: count, condition, whole, gives } = operationKinds[name];
    if (operands.length !== count) throw new InternalError(`${name} of ${operands.length} operands, it takes ${count}`);
    const values = condition ? operands.slice(1) : operands;
    const isI32 = (x: Term | number) => (typeof x === "number" ? isWhole(x) : x.dtype === "i32");
    const dtype = whole && values.every(isI32) && values.some((x) => typeof x !== "number") ? "i32" : "f32";
    const to = operands.map((x, i) => {
      if (condition && i === 0) return this.#condition(x);
      return this.#as(x, dtype);
    });
    const simple = this.#simplified(name, to);
    return simple ?? this.#term({ apply: name, to: to.map(({ id }) => id), dtype: gives ?? dtype });
  }

  #condition(x: Term | number): Term {
    if (typeof x === "number") return this.constant(x === 0 ? 0 : 1, "i32");
    return x.dtype === "i32" ? x : this.apply("ne", x, 0);
  }

  #as(x: Term | number, dtype: DType): Term {
    if (typeof x === "number") return this.constant(x, dtype);
    return x.dtype === dtype ? x : this.apply("float", x);
  }

  /** What needs no computing. */
  #simplified(name: OperationName, to: readonly Term[]): Term | undefined {
    const [a, b] = to as [Term, Term];
    const numbers = to.map((one) => this.#constantOf(one));
    if (name === "expand" || name === "detach") return a;
    if (name === "mul" && numbers[1] === 1) return a;
    if (name === "mul" && numbers[0] === 1) return b;
    if (name === "where" && numbers[0] !== undefined) return numbers[0] === 0 ? to[2] : b;
    if (name === "sub" && Object.is(numbers[1], 0)) return a;
    if (numbers.some((x) => x === undefined)) return undefined;
    const { f, integer } = operations[name];
    const dtype = to.at(-1)!.dtype;
    const [x, y, z] = numbers as [number, number, number];
    return this.constant((dtype === "i32" && integer ? integer.f : f)(x, y, z), operationKinds[name].gives ?? dtype);
  }

  /** The leaves that a term depends on, in ascending order. */
  leavesOf(term: Term): number[] {
    const leaves = new Set<number>();
    for (const id of this.#needed(term)) {
      const made = this.#made[id]!;
      if ("leaf" in made) leaves.add(made.leaf);
    }
    return [...leaves].sort((a, b) => a - b);
  }

  /** The terms that a term is made of, itself last. Ids grow in the order of making. */
  #needed(term: Term): number[] {
    const found = new Set<number>();
    const open = [term.id];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (found.has(id)) continue;
      found.add(id);
      const made = this.#made[id]!;
      if ("apply" in made) open.push(...made.to);
    }
    return [...found].sort((a, b) => a - b);
  }

  /**
   * A term as an expression, whose inputs are the leaves that it depends on, in ascending order.
   * @param by how an element of a leaf is found
   */
  expression(term: Term, by: (leaf: number) => "all" | "one" | "strides"): Expression {
    const needed = this.#needed(term);
    const leaves = this.leavesOf(term);
    const place = new Map(needed.map((id, i) => [id, i]));
    return needed.map((id): ExpressionValue => {
      const made = this.#made[id]!;
      if ("leaf" in made) return { load: leaves.indexOf(made.leaf), by: by(made.leaf), dtype: made.dtype };
      return "constant" in made ? made : { ...made, to: made.to.map((one) => place.get(one)!) };
    });
  }
}
