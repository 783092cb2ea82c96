/** Windows along two axes, and their gradient, against their twins. */
import fc from "fast-check";
import { backendsForTests } from "../support/backends.ts";
import { between, suite, testTwins } from "../support/twin-suites.ts";

const { onFloat32 } = await backendsForTests();

type Pair = readonly [number, number];

interface Windows {
  readonly N: number;
  readonly C: number;
  readonly S: Pair;
  readonly K: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly before: Pair;
  readonly after: Pair;
  readonly turned: boolean;
  /** Adds to the gradient that is there; and what windows show beyond x is 7, not 0. */
  readonly more: boolean;
}
const one = {
  N: 1,
  C: 1,
  S: [1, 1],
  K: [1, 1],
  stride: [1, 1],
  dilation: [1, 1],
  before: [0, 0],
  after: [0, 0],
} as const;
const windows: readonly Windows[] = [
  { ...one, turned: false, more: false },
  { ...one, turned: true, more: true },
  { ...one, N: 2, C: 3, S: [13, 1], K: [3, 1], before: [1, 0], after: [1, 0], turned: false, more: true },
  { ...one, S: [17, 3], K: [5, 1], stride: [2, 1], dilation: [2, 1], before: [8, 0], turned: true, more: false },
  { ...one, C: 67, S: [1, 7], K: [1, 2], stride: [1, 3], turned: false, more: false },
  { ...one, S: [5, 67], K: [3, 3], before: [1, 2], after: [1, 0], turned: true, more: true },
  {
    N: 2,
    C: 3,
    S: [11, 7],
    K: [2, 3],
    stride: [3, 2],
    dilation: [4, 2],
    before: [3, 1],
    after: [0, 5],
    turned: false,
    more: false,
  },
  {
    N: 3,
    C: 2,
    S: [3, 2],
    K: [3, 2],
    stride: [1, 1],
    dilation: [2, 3],
    before: [5, 4],
    after: [4, 6],
    turned: false,
    more: true,
  },
];
const groups = (count: number, looped: boolean): [number, number, number] => [
  looped ? Math.max(1, Math.floor(count / 128)) : Math.ceil(count / 64),
  1,
  1,
];

const pair = (min: number, max: number) => fc.tuple(between(min, max), between(min, max));
const anyWindows = fc.record({
  N: between(1, 3),
  C: between(1, 4),
  S: pair(1, 11),
  K: pair(1, 4),
  stride: pair(1, 3),
  dilation: pair(1, 3),
  before: pair(0, 4),
  after: pair(0, 4),
  turned: fc.boolean(),
  more: fc.boolean(),
});

function sizesOf({ N, C, S, K, stride, dilation, before, after, turned }: Windows) {
  const count = (axis: 0 | 1) => {
    const free = S[axis] + before[axis] + after[axis] - dilation[axis] * (K[axis] - 1) - 1;
    return Math.max(1, Math.floor(free / stride[axis]) + 1);
  };
  const params = {
    ...{ N, C, S1: S[0], S2: S[1], K1: K[0], K2: K[1], P1: count(0), P2: count(1) },
    ...{ stride1: stride[0], stride2: stride[1], dilation1: dilation[0], dilation2: dilation[1] },
    ...{ padding1: before[0], padding2: before[1], turned: +turned },
  };
  return { params, given: N * C * S[0] * S[1], shown: C * K[0] * K[1] * N * params.P1 * params.P2 };
}

const take = suite<Windows>({
  kernel: "windows",
  table: windows,
  any: anyWindows,
  caseOf(size, numbers) {
    const { params, given, shown } = sizesOf(size);
    return {
      params: { ...params, fill: size.more ? 7 : 0 },
      data: { x: numbers.floats(given), y: numbers.floats(shown) },
      grid: groups(shown, size.more),
    };
  },
});

const takeBackward = suite<Windows>({
  kernel: "windows-backward",
  table: windows,
  any: anyWindows,
  caseOf(size, numbers) {
    const { params, given, shown } = sizesOf(size);
    return {
      params: { ...params, accumulate: +size.more },
      data: { outputGradient: numbers.floats(shown), gradient: numbers.floats(given) },
      grid: groups(given, true),
    };
  },
});

onFloat32(({ backend }) => testTwins(backend, [take, takeBackward], { seed: 5, numRuns: 25 }));
