/** Attention: the equations of the papers, lengths, one query at a time, and how many dispatches it takes. */
import { expect, test } from "vitest";
import {
  AdditiveAttention,
  type Attention,
  countPlan,
  type InputSpecs,
  MultiplicativeAttention,
  type StateDict,
  type Tensor,
} from "../../src/index.ts";
import { differences, Numbers } from "../support/against-twin.ts";
import { runtimesForTests } from "../support/backends.ts";

const { onEach, runtimes } = await runtimesForTests();

type Row = readonly number[];
const dot = (a: Row, b: Row) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
/** Rows of the last axis. */
const rowsOf = ({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): Row[] => {
  const size = shape.at(-1)!;
  return Array.from({ length: data.length / size }, (_, r) => Array.from(data).slice(r * size, (r + 1) * size));
};
const times = (weight: readonly Row[], x: Row): Row => weight.map((row) => dot(row, x));

interface Kind {
  readonly name: string;
  readonly attention: Attention;
  score(weights: StateDict, q: Row, k: Row): number;
  /** Dispatches for one look, and how many of them are for the keys alone. */
  readonly dispatches: readonly [all: number, keys: number];
}
const [Q, K, A] = [3, 4, 5];
const kinds: readonly Kind[] = [
  {
    name: "additive",
    attention: new AdditiveAttention({ querySize: Q, keySize: K, hiddenSize: A, bias: true }),
    score(weights, q, k) {
      const [W, U, v] = [weights["query.weight"]!, weights["key.weight"]!, weights.v!];
      const [Wq, Uk, bias] = [times(rowsOf(W), q), times(rowsOf(U), k), weights["key.bias"]!.data];
      return dot(
        [...v.data],
        Wq.map((x, a) => Math.tanh(x + Uk[a]! + bias[a]!)),
      );
    },
    dispatches: [5, 1],
  },
  {
    name: "dot",
    attention: new MultiplicativeAttention({ querySize: K, score: "dot" }),
    score: (_, q, k) => dot(q, k),
    dispatches: [3, 0],
  },
  {
    name: "scaled dot",
    attention: new MultiplicativeAttention({ querySize: K, score: "dot", scale: true }),
    score: (_, q, k) => dot(q, k) / Math.sqrt(K),
    dispatches: [3, 0],
  },
  {
    name: "general",
    attention: new MultiplicativeAttention({ querySize: Q, keySize: K }),
    score: (weights, q, k) => dot(times(rowsOf(weights["query.weight"]!), q), k),
    dispatches: [4, 0],
  },
  {
    // By the size of the keys, which queries are projected to.
    name: "scaled general, of unlike queries and keys",
    attention: new MultiplicativeAttention({ querySize: Q, keySize: K, scale: true }),
    score: (weights, q, k) => dot(times(rowsOf(weights["query.weight"]!), q), k) / Math.sqrt(K),
    dispatches: [4, 0],
  },
];

onEach(({ kind }) => {
  const tolerance = kind === "cpu" ? 1e-12 : 1e-5;
  const runtime = runtimes[kind];
  const same = (what: string, expected: Row, got: Row) =>
    expect(
      differences(
        what,
        { before: undefined, expected: Float64Array.from(expected), got: Float64Array.from(got) },
        tolerance,
      ),
    ).toEqual([]);

  test.each(kinds.map((kind) => [kind.name, kind] as const))("%s: what the paper says", async (name, kind) => {
    const { attention } = kind;
    const [T, S, B, V] = [3, 6, 4, 2];
    const numbers = new Numbers(name);
    const random = (...shape: number[]) => ({
      shape,
      data: numbers.floats(
        shape.reduce((a, b) => a * b),
        2,
      ),
    });
    const floats = {
      query: random(T, B, attention.querySize),
      keys: random(S, B, K),
      values: random(S, B, V),
    };
    const integers = {
      all: undefined,
      lengths: { shape: [B], data: Int32Array.of(6, 1, 0, 4) },
      mask: { shape: [S, B], data: numbers.integers(S * B, 0, 1) },
    };
    const weights = await runtime.stateDict(attention);
    const [queries, keys, values] = [rowsOf(floats.query), rowsOf(floats.keys), rowsOf(floats.values)];
    for (const [real, given] of Object.entries(integers)) {
      const shapeOf = (t: { shape: readonly number[] }) => ({ shape: t.shape });
      const program = await runtime.compile(attention, {
        inputs: {
          query: shapeOf(floats.query),
          keys: shapeOf(floats.keys),
          values: shapeOf(floats.values),
          ...(given && { [real]: { shape: given.shape, dtype: "i32" as const } }),
        },
        forward: ({ query, keys: k, ...more }) => ({ ...attention.forward(query!, k!, more) }),
      });
      const { context, weights: got } = await program.run({ ...floats, ...(given && { [real]: given }) });
      program.dispose();
      expect([context!.shape, got!.shape]).toEqual([
        [T, B, V],
        [T, B, S],
      ]);
      const isReal = (s: number, b: number) =>
        real === "all" || (real === "lengths" ? s < given!.data[b]! : given!.data[s * B + b] === 1);
      for (let row = 0; row < T * B; row++) {
        const b = row % B;
        const e = Array.from({ length: S }, (_, s) =>
          isReal(s, b) ? Math.exp(kind.score(weights, queries[row]!, keys[s * B + b]!)) : 0,
        );
        const total = e.reduce((x, y) => x + y, 0) || 1;
        const expected = e.map((x) => x / total);
        same("weights", expected, rowsOf(got!)[row]!);
        const mean = Array.from({ length: V }, (_, v) =>
          dot(
            expected,
            expected.map((__, s) => values[s * B + b]![v]!),
          ),
        );
        same("context", mean, rowsOf(context!)[row]!);
        if (e.every((x) => x === 0)) expect(rowsOf(got!)[row]).toEqual(new Array(S).fill(0));
      }
    }
  });

  test.each(kinds.map((kind) => [kind.name, kind] as const))(
    "%s: one query at a time is as all of them at once, and the keys are projected once",
    async (name, { attention, dispatches: [all, forKeys] }) => {
      const [T, S, B] = [4, 5, 2];
      const numbers = new Numbers(name);
      const query = { shape: [T, B, attention.querySize], data: numbers.floats(T * B * attention.querySize) };
      const keys = { shape: [S, B, K], data: numbers.floats(S * B * K) };
      const lengths = { shape: [B], data: Int32Array.of(5, 3) };
      const size = B * attention.querySize;
      const queries = Object.fromEntries(
        Array.from({ length: T }, (_, t) => [
          `q${t}`,
          { shape: [B, attention.querySize], data: query.data.slice(t * size, (t + 1) * size) },
        ]),
      );
      const real = { shape: [B], dtype: "i32" } as const;
      const together = await runtime.compile(attention, {
        inputs: { query: { shape: query.shape }, keys: { shape: keys.shape }, lengths: real },
        forward: (i) => ({ ...attention.forward(i.query!, i.keys!, { lengths: i.lengths! }) }),
      });
      const apart = await runtime.compile(attention, {
        inputs: {
          ...Object.fromEntries(Object.entries(queries).map(([input, { shape }]) => [input, { shape }])),
          keys: { shape: keys.shape },
          lengths: real,
        } as InputSpecs,
        forward({ keys: k, lengths: l, ...each }) {
          const seen: [string, Tensor][] = Object.entries(each).flatMap(([input, q]) => {
            const { context, weights } = attention.forward(q, k!, { lengths: l! });
            return [
              [`context ${input}`, context],
              [`weights ${input}`, weights],
            ] as [string, Tensor][];
          });
          return Object.fromEntries(seen);
        },
      });
      const whole = await together.run({ query, keys, lengths });
      const steps = await apart.run({ ...queries, keys, lengths });
      for (const what of ["context", "weights"]) {
        const joined = Object.keys(queries).flatMap((input) => [...steps[`${what} ${input}`]!.data]);
        same(what, [...whole[what]!.data], joined);
        expect(steps[`${what} q0`]!.shape).toEqual(whole[what]!.shape.slice(1));
      }
      // One more for the mask.
      expect(countPlan(together.plan).dispatches).toBe(1 + all);
      expect(countPlan(apart.plan).dispatches).toBe(1 + forKeys + T * (all - forKeys));
      for (const program of [together, apart]) program.dispose();
    },
  );
});
