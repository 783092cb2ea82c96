/** What the page learns from. */
export type Activation = "tanh" | "sigmoid" | "relu";

/** Row by row: U [2,I], W [2,2], b [2], V [2,2]. */
export interface Weights {
  readonly U: readonly number[];
  readonly W: readonly number[];
  readonly b: readonly number[];
  readonly V: readonly number[];
}

export interface Sequence {
  readonly x: readonly number[];
  /** The class: 1 where the first number is positive, else 0. */
  readonly label: number;
}

export const sequenceOf = (x: readonly number[]): Sequence => ({ x, label: Number(x[0]! > 0) });

/** All sequences of three signs: the first one says the class, those after it say nothing. */
export const sequences: readonly Sequence[] = Array.from({ length: 8 }, (_, i) =>
  sequenceOf([4, 2, 1].map((bit) => (i & bit ? -1 : 1))),
);
