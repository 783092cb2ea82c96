/** What is measured besides networks, and what the first runs of everything have to come to. */
import { CharModel, functional, Module, Parameter, RandomStream, type Runtime, type Tensor } from "webgpu-rnn";
import { Network, type Prepared, prepareNetwork } from "./program.ts";
import { isNetwork, type Task } from "./tasks.ts";

type Of<K extends Task["kind"]> = Task & { readonly kind: K };

/** Two parameters of one shape: nothing has to be written before a run. */
class Pair extends Module {
  readonly a: Parameter;
  readonly b: Parameter;
  constructor(shape: readonly number[], values: Float32Array) {
    super();
    this.a = new Parameter(shape, () => values);
    this.b = new Parameter(shape, () => values);
  }
  forward(): void {}
}

/** N·N numbers whose products neither grow nor vanish. */
function matrixOf(N: number): Float32Array {
  const random = new RandomStream(1, "matrix");
  return Float32Array.from({ length: N * N }, () => (random.next() * 2 - 1) * Math.sqrt(3 / N));
}

async function product(runtime: Runtime, { N, count }: Of<"product">): Promise<Prepared> {
  const model = new Pair([N, N], matrixOf(N));
  const program = await runtime.compile(model, {
    inputs: {},
    forward() {
      let product = model.a.tensor;
      for (let i = 0; i < count; i++) product = product.matmul(model.b.tensor);
      return { row: product.slice(0, 1, 0) };
    },
  });
  return { model, run: async () => (await program.run({})).row.data };
}

/** The first row of such a product, in float64. */
function firstRow({ N, count }: Of<"product">): Float64Array {
  const matrix = matrixOf(N);
  let row = Float64Array.from(matrix.subarray(0, N));
  for (let k = 0; k < count; k++) {
    const next = new Float64Array(N);
    for (let i = 0; i < N; i++) for (let j = 0; j < N; j++) next[j]! += row[i]! * matrix[i * N + j]!;
    row = next;
  }
  return row;
}

const halfOf = ({ bytes }: Of<"copy">) => Float32Array.from({ length: bytes / 8 }, (_, i) => 1 + (i % 1021));
/** So many numbers on each side of where two halves meet are looked at. */
const around = 8;

/** Two halves are copied side by side. */
async function copy(runtime: Runtime, task: Of<"copy">): Promise<Prepared> {
  const half = halfOf(task);
  const model = new Pair([half.length], half);
  const middle = (): Tensor =>
    functional.concat([model.a.tensor, model.b.tensor]).slice(half.length - around, 2 * around);
  const program = await runtime.compile(model, {
    inputs: {},
    forward: () => ({ middles: functional.stack(Array.from({ length: task.count }, middle)) }),
  });
  return { model, run: async () => (await program.run({})).middles.data };
}

async function write(runtime: Runtime, { cell, H, count }: Of<"write">): Promise<Prepared> {
  const model = new CharModel({
    vocabSize: 96,
    cell: cell === "rnn" ? "rnn_tanh" : cell,
    embeddingDim: 32,
    hiddenSize: H,
  });
  return {
    model,
    async run() {
      const tokens: number[] = [];
      for await (const drawn of runtime.generate(model, { prompt: [1], length: count, temperature: 0 }))
        tokens.push(...drawn.tokens);
      return tokens;
    },
  };
}

async function submit(runtime: Runtime, { count }: Of<"submit">): Promise<Prepared> {
  const model = new Network("lstm", 4);
  const x = { shape: [1, 1, 4], data: Float32Array.of(1, 2, 3, 4) };
  const session = await runtime.session(model, { inputs: { x: x.shape }, streams: 1 });
  return {
    model,
    async run() {
      for (let i = 1; i < count; i++) session.push({ x });
      return (await session.run({ x })).y!.data;
    },
  };
}

export async function prepare(runtime: Runtime, task: Task): Promise<Prepared> {
  if (isNetwork(task)) return prepareNetwork(runtime, task);
  if (task.kind === "product") return product(runtime, task);
  if (task.kind === "copy") return copy(runtime, task);
  return task.kind === "write" ? write(runtime, task) : submit(runtime, task);
}

/** By hand, or by the library's kernels in float64, of one row. */
export async function expectedOf(twins: Runtime, task: Task): Promise<readonly ArrayLike<number>[]> {
  if (task.kind === "product") return [firstRow(task)];
  if (task.kind === "copy") {
    const half = halfOf(task);
    return [Float32Array.of(...half.slice(-around), ...half.slice(0, around))];
  }
  const { model, run } = await prepare(twins, isNetwork(task) ? { ...task, B: 1 } : task);
  const known = [Array.from(await run())];
  // A second update and a second step of a stream go on from the first one.
  if (task.kind === "training" || task.kind === "stream") known.push(Array.from(await run()));
  twins.release(model);
  return known;
}
