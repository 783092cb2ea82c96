/** Kernels over steps on WebAssembly against their twins: numbers that the tables of test/kernels do not have. */
import { expect, test } from "vitest";
import { uniform } from "../../src/random.ts";
import { natives } from "../../src/wasm/natives.ts";
import { WasmBackend } from "../../src/wasm/wasm-backend.ts";
import { expectTwins, Numbers, type TwinCase } from "../support/against-twin.ts";

const wasm = await WasmBackend.open();
const numbers = new Numbers("natives of sequences");
const grid = [1, 1, 1] as const;

test.each([
  "additive-scores",
  "additive-scores-backward",
  "blend",
  "ctc",
  "ctc-gradient",
  "cumulative-sum",
  "dropout",
  "pool",
  "pointwise-loss",
  "pool-backward",
  "scan-backward",
  "scan-forward",
  "scan-gates",
  "scan-gates-backward",
  "windows",
  "windows-backward",
])("%s is native", (kernel) => {
  expect(natives.has(kernel)).toBe(true);
});

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
/** Pre-activations that saturate gates, alone and in pairs. */
const extremes = [0, -0, 1, -1, 50, -50, 87, -87, 200, -200, 3e38, -3e38, infinity, -infinity, nan];

test.each([false, true])("gates of extreme pre-activations, PAIR %s", async (PAIR) => {
  const H = extremes.length ** 2;
  const gates = PAIR ? 3 : 2;
  const x = numbers.floats(gates * H);
  for (let u = 0; u < H; u++) {
    x[u] = extremes[u % extremes.length]!;
    if (PAIR) x[H + u] = extremes[Math.floor(u / extremes.length)]!;
    // Two gates that are shut alike have half each; of infinities the twin cannot tell.
    if (PAIR && x[u] === -infinity && x[H + u] === -infinity) x[u] = -200;
  }
  const given = { constants: { PAIR }, grid };
  const forward: TwinCase = {
    ...given,
    kernel: "scan-gates",
    params: { R: 1, H, hasMask: 0 },
    data: { x, mask: "x", a: numbers.floats(H), b: numbers.floats(H) },
  };
  const backward: TwinCase = {
    ...given,
    kernel: "scan-gates-backward",
    params: { R: 1, H, hasMask: 0, accumulate: 0 },
    data: {
      x,
      mask: "x",
      aGradient: numbers.floats(H),
      bGradient: numbers.floats(H),
      xGradient: numbers.floats(gates * H),
    },
  };
  await expectTwins(wasm, { forward, backward });
});

test.each([
  [1, 1, 0],
  [5, 3, 0x9e3779b9],
  [4099, 4099, 0xffffffff],
  [4099, 130, 7],
])("dropout of %i numbers, period %i, stream %i draws what src/random.ts draws", async (N, period, stream) => {
  const seed = 123456789;
  const buffer = (name: string, role: "input" | "output", dtype: "f32" | "i32", length: number) =>
    ({ name, role, dtype, length }) as const;
  const view = (i: number, length: number) => ({ buffer: i, offset: 0, length });
  const loaded = await wasm.load({
    name: "dropout",
    buffers: [buffer("x", "input", "f32", N), buffer("seed", "input", "i32", 1), buffer("y", "output", "f32", N)],
    commands: [
      {
        type: "dispatch",
        kernel: "dropout",
        label: "dropout",
        bindings: [view(0, N), view(1, 1), view(2, N)],
        params: [N, period, stream, 0, 0.5, 2],
        constants: {},
        grid,
      },
    ],
  });
  loaded.write("x", new Float32Array(N).fill(1));
  loaded.write("seed", Int32Array.of(seed));
  const [y] = await loaded.runAndRead(["y"]);
  loaded.dispose();
  const expected = Array.from({ length: N }, (_, i) => (uniform(seed, stream, i % period, 0) >= 0.5 ? 2 : 0));
  expect([...y!]).toEqual(expected);
});

test("pooling takes the first NaN as the largest, and means keep it", async () => {
  const [T, B, C] = [6, 2, 5];
  const x = numbers.floats(T * B * C);
  for (const i of [7, 33, 37, 52]) x[i] = nan;
  const cases = Object.fromEntries(
    [
      { MEAN: true, MAX: false },
      { MEAN: false, MAX: true },
      { MEAN: false, MAX: false },
    ].map((constants): [string, TwinCase] => [
      JSON.stringify(constants),
      {
        kernel: "pool",
        constants,
        grid,
        params: { T, B, C, hasMask: 1 },
        data: {
          x,
          mask: Int32Array.from({ length: T * B }, (_, i) => Number(i % 5 !== 0)),
          y: numbers.floats(B * C),
          note: numbers.integers(B * C, 0, 9),
        },
      },
    ]),
  );
  await expectTwins(wasm, cases);
});

test("numbers behind a view do not come into attention's scores", async () => {
  // The rows of keys that come after a row's 3 units are NaN: they belong to the next sequence.
  const [T, S, B, A] = [2, 2, 2, 3];
  const keys = numbers.floats(S * B * A);
  keys.fill(nan, A, 2 * A);
  const scores: TwinCase = {
    kernel: "additive-scores",
    constants: {},
    grid,
    params: { T, S, B, A },
    data: { queries: numbers.floats(T * B * A), keys, v: numbers.floats(A), scores: numbers.floats(T * B * S) },
  };
  await expectTwins(wasm, { scores });
});

test("ctc of long sequences keeps its digits", async () => {
  const [T, B, C, S] = [500, 2, 12, 90];
  const L = 2 * S + 1;
  const logits = numbers.floats(T * B * C, 4);
  const logSum = Float32Array.from({ length: T * B }, (_, n) =>
    Math.log(logits.subarray(n * C, (n + 1) * C).reduce((sum, x) => sum + Math.exp(x), 0)),
  );
  const paths: TwinCase = {
    kernel: "ctc",
    constants: {},
    grid,
    params: { T, B, C, S, blank: 0, byLength: 0, zeroInfinity: 1, nan: 0x7fc00000, infinity: 0x7f800000 },
    data: {
      logits,
      logSum,
      labels: numbers.integers(B * S, 1, C - 1),
      stepCounts: Int32Array.of(T, T - 3),
      labelCounts: Int32Array.of(S, S - 5),
      paths: numbers.floats(T * B * L),
      beta: numbers.floats(2 * B * L),
      rowLoss: numbers.floats(B),
    },
  };
  await expectTwins(wasm, { paths }, 1e-4);
});
