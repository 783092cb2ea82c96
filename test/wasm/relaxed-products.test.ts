/** Products of matrices by the module that every engine runs, and by the one for engines with relaxed SIMD. */
import { setFlagsFromString } from "node:v8";
import { describe, expect, test, vi } from "vitest";
import { RandomStream, Runtime } from "../../src/index.ts";
import { relaxedProductBase64 } from "../../src/wasm/module.generated.ts";
import { openModule } from "../../src/wasm/module.ts";

// Node 20 asks for it; later versions need not, and do not know the flag.
setFlagsFromString("--experimental-wasm-relaxed-simd");
const hasRelaxed = WebAssembly.validate(Buffer.from(relaxedProductBase64, "base64"));
const noRelaxed = "this engine has no relaxed SIMD";

/** The module of this engine, or as an engine without relaxed SIMD has it. */
async function open(relaxed: boolean) {
  const validate = vi.spyOn(WebAssembly, "validate");
  if (!relaxed) validate.mockReturnValueOnce(true).mockReturnValueOnce(false);
  try {
    return await openModule();
  } finally {
    validate.mockRestore();
  }
}
type Opened = Awaited<ReturnType<typeof open>>;

/** Of numbers of a memory: where the first lies, and how far apart rows and columns are. */
interface Layout {
  readonly at: number;
  readonly row: number;
  readonly column: number;
}

interface Case {
  readonly sizes: readonly [M: number, N: number, K: number];
  readonly a: Layout;
  readonly b: Layout;
  readonly c: Layout;
  readonly bias: number;
  readonly accumulate: number;
}

/** The most columns of a result. */
const COLUMNS = 40;
// Where numbers may lie, all within the 1 MiB that a memory begins with; behind it is the workspace.
const [A, B, C, BIAS] = [32768, 190464, 233472, 241664];
const END = BIAS + COLUMNS;
const WORKSPACE = 2 ** 20;

/** A matrix by rows, by columns, or with gaps everywhere, from any multiple of 4 bytes on. Around it are numbers of others. */
function layout(below: (n: number) => number, from: number, rows: number, columns: number, order: number): Layout {
  const at = from + below(4);
  const gap = below(3);
  if (order === 0) return { at, row: columns + gap, column: 1 };
  return order === 1 ? { at, row: 1, column: rows + gap } : { at, row: 2 * (columns + gap), column: 2 };
}

function drawCase(below: (n: number) => number): Case {
  // Few rows are a case of their own, and more than a block of 128 rows, or of 256 numbers, are several.
  const M = 1 + below(below(2) ? 8 : 160);
  const [N, K] = [1 + below(COLUMNS), 1 + below(480)];
  return {
    sizes: [M, N, K],
    a: layout(below, A, M, K, below(3)),
    b: layout(below, B, K, N, below(3)),
    c: layout(below, C, M, N, 0),
    bias: below(2) * BIAS,
    accumulate: below(2),
  };
}

const place = ({ at, row, column }: Layout, r: number, c: number) => at + r * row + c * column;

function multiply({ wasm }: Opened, { sizes: [M, N, K], a, b, c, bias, accumulate }: Case): void {
  const ofA = [4 * a.at, 4 * a.row, 4 * a.column] as const;
  const ofB = [4 * b.at, 4 * b.row, 4 * b.column] as const;
  wasm.product(M, N, K, ...ofA, ...ofB, 4 * c.at, 4 * c.row, 4 * bias, accumulate, WORKSPACE);
}

/** What it should leave, in float64: also of the numbers around the result, which stay as they were. */
function expectedOf(before: Float32Array, { sizes: [M, N, K], a, b, c, bias, accumulate }: Case): Float64Array {
  const after = Float64Array.from(before);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = (bias && before[bias + n]!) + (accumulate && before[place(c, m, n)]!);
      for (let k = 0; k < K; k++) sum += before[place(a, m, k)]! * before[place(b, k, n)]!;
      after[place(c, m, n)] = sum;
    }
  }
  return after;
}

/** With room for what `product` packs, and the numbers of the cases. */
async function openWithRoom(relaxed: boolean) {
  const opened = await open(relaxed);
  opened.memory.grow(Math.ceil(opened.wasm.productWorkspace() / 65536));
  return { opened, numbers: new Float32Array(opened.memory.buffer, 0, END) };
}

describe.each([
  ["plain", false],
  ["relaxed", true],
])("the %s product", (_, relaxed) => {
  test("is that of float64, for all shapes and strides", async ({ skip }) => {
    skip(relaxed && !hasRelaxed, noRelaxed);
    const { opened, numbers } = await openWithRoom(relaxed);
    expect(opened.features).toEqual(relaxed ? ["relaxed-simd"] : []);
    const random = new RandomStream(7, "products");
    const before = Float32Array.from(numbers, (number, n) => (n < A ? number : random.next() - 0.5));
    for (let i = 0; i < 150; i++) {
      const drawn = drawCase((n) => Math.floor(n * random.next()));
      numbers.set(before);
      multiply(opened, drawn);
      const expected = expectedOf(before, drawn);
      const worst = numbers.reduce((most, number, n) => Math.max(most, Math.abs(number - expected[n]!)), 0);
      expect(worst, JSON.stringify(drawn)).toBeLessThan(1e-5);
    }
  });
});

test("with relaxed SIMD what is added to a sum was not rounded before", async ({ skip }) => {
  skip(!hasRelaxed, noRelaxed);
  const [M, N, K] = [8, 8, 2];
  // (1 + 2^-13)² = 1 + 2^-12 + 2^-26, of which a float32 keeps the first two.
  const x = 1 + 2 ** -13;
  const results = [];
  for (const relaxed of [false, true]) {
    const { opened, numbers } = await openWithRoom(relaxed);
    for (let m = 0; m < M; m++) numbers.set([-1 - 2 ** -12, x], A + K * m);
    numbers.fill(1, B, B + N).fill(x, B + N, B + 2 * N);
    const [a, b, c] = [A, B, C].map((at, i) => ({ at, row: i === 0 ? K : N, column: 1 })) as [Layout, Layout, Layout];
    multiply(opened, { sizes: [M, N, K], a, b, c, bias: 0, accumulate: 0 });
    results.push(numbers[C]);
  }
  expect(results).toEqual([0, 2 ** -26]);
});

test("a runtime has it, and says so", async ({ skip }) => {
  skip(!hasRelaxed, noRelaxed);
  const runtime = await Runtime.open({ backend: "wasm" });
  expect(runtime.info().features).toEqual(["relaxed-simd"]);
  runtime.dispose();
});
