import { InternalError } from "../errors.ts";
import type { Target } from "../plan/plan.ts";

// Which variant of a kernel suits a machine and a shape. Nothing else asks what kind of machine a plan is for: a kernel says
// which variants it has and what each needs, this table says which is taken, and what was measured on a machine (`Target.tuned`)
// goes before it.

/** One row: taken when every size of the shape is at least what stands here. */
interface Choice<V> {
  readonly atLeast?: Readonly<Record<string, number>>;
  readonly variant: V;
}

/** Rows in the order in which they are tried; the last one takes any shape. */
interface Choices<V> {
  /** An adapter that computes on the CPU (lavapipe, SwiftShader): barriers are expensive there, registers cheap. */
  readonly software: readonly Choice<V>[];
  readonly hardware: readonly Choice<V>[];
}

/** 64 invocations share a row, or each has its own. */
const shared = { LANES: 64, ROWS: 1 };
const single = { LANES: 1, ROWS: 32 };

/** A table row of rows of numbers: shared from this length on, where barriers are cheap. */
const byRowLength = (length: number): Choices<typeof shared> => ({
  software: [{ variant: single }],
  hardware: [{ atLeast: { length }, variant: shared }, { variant: single }],
});

/** WORDS words of four units of ROWS rows a workgroup, SLICES invocations for each word. */
const slices = (ROWS: number, WORDS: number, SLICES: number) => ({ ROWS, WORDS, SLICES });

/** ROWS x COLUMNS results an invocation, LANES invocations a workgroup, of which SHARED read a row's numbers together. */
const tile = (ROWS: number, COLUMNS: number, LANES: number, SHARED = 1) => ({ ROWS, COLUMNS, LANES, SHARED });

/** ROWS sequences an invocation, SHARED invocations that read their numbers together. */
const rows = (ROWS: number, SHARED = 1) => ({ ROWS, SHARED });

/** PARTS of a product's K. */
const parts = (PARTS: number) => ({ variant: { PARTS } });

const table = {
  "cross-entropy": byRowLength(257),
  "log-sum-exp": byRowLength(257),
  "layer-norm": byRowLength(33),
  "masked-softmax": byRowLength(33),
  sample: {
    software: [{ atLeast: { length: 4097 }, variant: { LANES: 64 } }, { variant: { LANES: 1 } }],
    hardware: [{ variant: { LANES: 64 } }],
  },
  /** Many lanes for a long vocabulary: every candidate is one more pass over it. */
  "beam-candidates": {
    software: [{ atLeast: { length: 4097 }, variant: { LANES: 64 } }, { variant: { LANES: 1 } }],
    hardware: [{ atLeast: { length: 1025 }, variant: { LANES: 256 } }, { variant: { LANES: 64 } }],
  },
  /** As `tile` says; "tiled" is matmul-tiled. M·N are the results. */
  matmul: {
    software: [
      { atLeast: { M: 16, results: 4096 }, variant: tile(16, 8, 8, 8) },
      { atLeast: { M: 8, results: 4096 }, variant: tile(8, 8, 8, 8) },
      { atLeast: { M: 4, results: 4096 }, variant: tile(8, 8, 16) },
      { atLeast: { M: 4 }, variant: tile(4, 4, 64) },
      { variant: tile(1, 4, 16) },
    ],
    hardware: [
      { atLeast: { M: 32, N: 16 }, variant: "tiled" },
      { atLeast: { M: 4 }, variant: tile(4, 4, 64) },
      { variant: tile(1, 1, 64) },
    ],
  } satisfies Choices<ReturnType<typeof tile> | "tiled">,
  /** Parts of K that are summed at once, so that few results fill a machine of 50 to 100 units, too; every product fills a CPU. */
  "weight-gradient": {
    software: [parts(1)],
    hardware: [
      { atLeast: { results: 2 ** 19 }, ...parts(1) },
      { atLeast: { results: 2 ** 18, K: 1024 }, ...parts(2) },
      { atLeast: { results: 2 ** 17, K: 1024 }, ...parts(4) },
      { atLeast: { results: 2 ** 16, K: 1024 }, ...parts(8) },
      { atLeast: { K: 1024 }, ...parts(16) },
      parts(1),
    ],
  } satisfies Choices<{ readonly PARTS: number }>,
  /**
   * How a scan goes through T steps: chunks need a second pass over what is read, which is worth it where there are many
   * steps and columns alone do not fill the machine; any columns fill a CPU, and one pass was the faster one there for all
   * shapes that were timed.
   */
  scan: {
    software: [{ variant: "one pass" }],
    hardware: [{ atLeast: { T: 64 }, variant: "chunks" }, { variant: "one pass" }],
  } satisfies Choices<"one pass" | "chunks">,
  /** Sequences for each invocation of a recurrent step: one read of a weight serves them all; a GPU needs enough invocations first. */
  "recurrent-block": {
    software: [
      { atLeast: { B: 16, words: 5 }, variant: rows(16, 8) },
      { atLeast: { B: 8, words: 5 }, variant: rows(8, 8) },
      { atLeast: { B: 16 }, variant: rows(8) },
      { atLeast: { B: 4 }, variant: rows(4) },
      { variant: rows(1) },
    ],
    hardware: [{ atLeast: { B: 4, units: 65536 }, variant: rows(4) }, { variant: rows(1) }],
  },
  /**
   * How recurrent steps without a second product are divided: "block" is the choice above, the others are workgroups of
   * lib/tiling-slices.wgsl. One that has all words of its rows goes from step to step by itself; a longer row has more weights
   * than one workgroup should read in every step. With "block" every step is a dispatch: barriers cost more than that on a CPU.
   */
  recurrent: {
    software: [{ variant: "block" }],
    hardware: [
      { atLeast: { words: 33, B: 8 }, variant: slices(8, 8, 32) },
      { atLeast: { words: 33 }, variant: slices(1, 8, 32) },
      { atLeast: { words: 17 }, variant: slices(1, 32, 8) },
      { variant: slices(1, 16, 16) },
    ],
  } satisfies Choices<ReturnType<typeof slices> | "block">,
  /** Layers of one size on top of each other: whether they go on together, each a step behind the one below it. */
  "recurrent-stack": {
    software: [{ variant: "layer by layer" }],
    hardware: [{ variant: "together" }],
  } satisfies Choices<"together" | "layer by layer">,
};

type Table = typeof table;
export type Chosen = keyof Table;
export type VariantOf<K extends Chosen> = Table[K] extends Choices<infer V> ? V : never;

/** Whether the table has variants of what bears this name. */
export const isChosen = (name: string): name is Chosen => Object.hasOwn(table, name);

/** Whether invocations can share what the variant says: they are a subgroup of just that size. */
export const runsOn = ({ subgroup = 1 }: Target, variant: unknown): boolean => {
  const { SHARED = 1 } = variant as { readonly SHARED?: number };
  return SHARED === 1 || SHARED === subgroup;
};

/** All that the table may choose for a kernel. */
export function variantsOf<K extends Chosen>(kernel: K): VariantOf<K>[] {
  const { software, hardware } = table[kernel] as Choices<VariantOf<K>>;
  const all = [...software, ...hardware].map(({ variant }) => variant);
  return all.filter((variant, i) => all.findIndex((other) => JSON.stringify(other) === JSON.stringify(variant)) === i);
}

/**
 * A kernel and the class of a shape, such as "matmul M 1024 N 512": what is measured for a shape holds for those whose sizes lie
 * between the same powers of two, each at least the one that stands here and below twice as much.
 */
export const questionKey = (kernel: string, shape: Readonly<Record<string, number>>): string =>
  Object.entries(shape).reduce((key, [name, size]) => `${key} ${name} ${2 ** Math.floor(Math.log2(size))}`, kernel);

/** The variant of a kernel for a shape, on the machine that a plan is for: the one that was measured there, else the table's. */
export function chooseVariant<K extends Chosen>(
  target: Target,
  kernel: K,
  shape: Readonly<Record<string, number>>,
): VariantOf<K> {
  const { software, hardware } = table[kernel] as Choices<VariantOf<K>>;
  const fits = ({ atLeast = {}, variant }: Choice<VariantOf<K>>) =>
    runsOn(target, variant) &&
    Object.entries(atLeast).every(([size, least]) => {
      const value = shape[size];
      if (value === undefined)
        throw new InternalError(`the variant of ${kernel} depends on ${size}, which is not given`);
      return value >= least;
    });
  const tuned = target.tuned?.[questionKey(kernel, shape)] as VariantOf<K> | undefined;
  const variant =
    tuned !== undefined && runsOn(target, tuned)
      ? tuned
      : // The last row takes any shape.
        (target.software ? software : hardware).find(fits)!.variant;
  target.onChoice?.({ kernel, shape, variant });
  return variant;
}
