/** docs/your-model.md and the pages that go on from it: their code runs as it stands there, and what it makes is what plain loops make of the same weights. */
import { afterAll, describe, expect, test } from "vitest";
import {
  type Batch,
  type Batches,
  CharModel,
  functional,
  GRU,
  type GRUOptions,
  type History,
  type Hypothesis,
  importWeights,
  type LossFunction,
  LSTM,
  type LSTMOptions,
  type MemoryReport,
  type Module,
  RNN,
  Runtime,
  ShapeError,
  type StateDict,
  type Tensor,
  type TensorData,
  type Training,
  type WeightLayout,
  type WeightLayoutCell,
  type WeightLayoutOptions,
} from "../src/node.ts";
import { askForAdapter } from "./support/environment.ts";
import { runPage } from "./support/page-code.ts";

type Inputs<K extends string> = Readonly<Record<K, TensorData>>;
type ReaderBatch = Batch<Inputs<"tokens" | "features" | "lengths">, Inputs<"tags" | "mean">>;
type Steps = readonly { readonly token: number; readonly features: readonly number[]; readonly tag: number }[];
interface SequenceRecord {
  readonly tokens: readonly number[];
  readonly features: readonly (readonly number[])[];
  readonly tags: readonly number[];
}
interface Classifier extends Module {
  forward(x: Record<"x" | "lengths", Tensor>): Record<"logits" | "weights", Tensor>;
}

interface Page {
  readonly runtime: Runtime;
  readonly reader: Module;
  readonly copy: Module;
  readonly copied: StateDict;
  readonly resumed: Training;
  readonly next: readonly (readonly number[])[];
  readonly losses: readonly number[];
  readonly loss: LossFunction;
  readonly heldOut: readonly ReaderBatch[];
  readonly evaluated: { readonly loss: number; readonly tokens: number };
  readonly shares: readonly number[];
  readonly history: History;
  readonly ran: Inputs<"probabilities" | "mean"> & Pick<ReaderBatch, "x">;
  readonly table: string;
  readonly record: SequenceRecord;
  readonly streamed: readonly number[];
  readonly saved: StateDict;
  readonly first: Inputs<"tags" | "mean">;
  readonly again: Inputs<"tags" | "mean">;
  readonly prompts: readonly (readonly number[])[];
  readonly written: readonly (readonly number[])[];
  readonly before: MemoryReport;
  readonly after: MemoryReport;
  readonly keras: Inputs<"kernel" | "recurrent_kernel" | "bias">;
  readonly imported: Module & { forward(x: Tensor): { y: Tensor } };
  readonly classifier: Classifier;
  readonly found: readonly Hypothesis[];
  readonly classified: readonly number[];
  readonly signs: Batches<Inputs<"x" | "lengths">, TensorData>;
}

const names = ["your-model.md", "training.md", "live-input.md", "weights.md"];
await askForAdapter();
const { text: page, made, typeFaults } = await runPage<Page>(...names);
afterAll(() => made.runtime.dispose());

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
/** The rows of a matrix, or the numbers of a vector as rows of one. */
const rowsOf = ({ shape: [rows, columns = 1], data }: TensorData): number[][] =>
  Array.from({ length: rows! }, (_, r) => [...data.slice(r * columns, (r + 1) * columns)]);
const linear = (weights: StateDict, name: string, x: readonly number[]) =>
  rowsOf(weights[`${name}.weight`]!).map((row, i) => dot(row, x) + weights[`${name}.bias`]!.data[i]!);

/** The reader on one sequence, by the equations of torch.nn.GRU. */
function read(weights: StateDict, steps: Steps): { tags: number[][]; mean: number } {
  let xs = steps.map(({ token, features }) => [...rowsOf(weights["embedding.weight"]!)[token]!, ...features]);
  for (const layer of ["layers.0", "layers.1"]) {
    let h = new Array<number>(12).fill(0);
    const part = (kind: string) => rowsOf(weights[`${layer}.${kind}_l0`]!);
    const [wih, whh, bih, bhh] = [part("weight_ih"), part("weight_hh"), part("bias_ih"), part("bias_hh")];
    xs = xs.map((x) => {
      const a = wih.map((row, i) => dot(row, x) + bih[i]![0]!);
      const b = whh.map((row, i) => dot(row, h) + bhh[i]![0]!);
      h = h.map((before, u) => {
        const [r, z] = [sigmoid(a[u]! + b[u]!), sigmoid(a[12 + u]! + b[12 + u]!)];
        return (1 - z) * Math.tanh(a[24 + u]! + r * b[24 + u]!) + z * before;
      });
      return h;
    });
  }
  const mean = xs[0]!.map((_, u) => xs.reduce((sum, x) => sum + x[u]! / xs.length, 0));
  return { tags: xs.map((x) => linear(weights, "tag", x)), mean: linear(weights, "mean", mean)[0]! };
}

const softmax = (x: readonly number[]) => {
  const e = x.map(Math.exp);
  const total = e.reduce((a, b) => a + b);
  return e.map((v) => v / total);
};

/** The real steps of each sequence in a batch. */
function sequencesOf({ x, target }: Pick<ReaderBatch, "x"> & Partial<Pick<ReaderBatch, "target">>): Steps[] {
  const { tokens, features, lengths } = x;
  const B = lengths.data.length;
  return Array.from(lengths.data, (length, b) =>
    Array.from({ length }, (_, t) => {
      const i = t * B + b;
      return {
        token: tokens.data[i]!,
        features: [features.data[2 * i]!, features.data[2 * i + 1]!],
        tag: target?.tags.data[i] ?? -1,
      };
    }),
  );
}

/** What `loss` of the page says of a batch. */
function lossOf(weights: StateDict, batch: ReaderBatch): number {
  let [tags, count, squares] = [0, 0, 0];
  const sequences = sequencesOf(batch);
  for (const steps of sequences) {
    const said = read(weights, steps);
    for (const [t, { tag }] of steps.entries()) tags -= Math.log(softmax(said.tags[t]!)[tag]!);
    count += steps.length;
    const mean = steps.reduce((sum, { features }) => sum + features[0]! / steps.length, 0);
    squares += (said.mean - mean) ** 2;
  }
  return tags / count + (0.5 * squares) / sequences.length;
}

describe(`the page's code on the ${made.runtime.backend}`, () => {
  const { runtime } = made;

  test("learns both outputs, and measures them without a carried state", async () => {
    expect(made.losses).toHaveLength(60);
    expect(made.losses[0]).toBeGreaterThan(0.6);
    expect(made.losses.at(-1)).toBeLessThan(0.2);
    const weights = await runtime.stateDict(made.reader);
    const each = made.heldOut.map((batch) => lossOf(weights, batch));
    expect(made.evaluated.tokens).toBe(2);
    expect(made.evaluated.loss).toBeCloseTo((each[0]! + each[1]!) / 2, 4);
    expect(made.evaluated.loss).toBeLessThan(0.2);
    // The weights of the best epoch are back.
    const { epochs, best } = made.history;
    expect(made.evaluated.loss).toBe(Math.min(...epochs.map(({ validation }) => validation!.loss)));
    expect(epochs[best! - 1]!.validation!.loss).toBe(made.evaluated.loss);
    expect(made.shares).toHaveLength(epochs.length);
    expect(made.shares[best! - 1]).toBeGreaterThan(0.9);
    // With the state of the first batch the second one is another.
    const carried = await runtime.evaluate(made.reader, made.heldOut, { loss: made.loss, carryState: true });
    expect(Math.abs(carried.loss - made.evaluated.loss)).toBeGreaterThan(1e-3);
  });

  test("runs a padded batch as the equations say", async () => {
    const weights = await runtime.stateDict(made.reader);
    const sequences = sequencesOf(made.ran);
    expect(new Set(sequences.map(({ length }) => length)).size).toBeGreaterThan(2);
    for (const [b, steps] of sequences.entries()) {
      const { tags, mean } = read(weights, steps);
      expect(made.ran.mean.data[b]).toBeCloseTo(mean, 4);
      for (const [t, scores] of tags.entries()) {
        const at = 2 * (t * sequences.length + b);
        expect(made.ran.probabilities.data[at + 1]).toBeCloseTo(softmax(scores)[1]!, 4);
      }
    }
  });

  test("prints its layers", () => {
    expect(made.table).toMatch(/^ {2}tag: Linear +\[8,16,2\] +26 /m);
  });

  test("streams a sequence through a session, whose state is reset, held, saved and set", async () => {
    const weights = await runtime.stateDict(made.reader);
    const { tokens, features, tags } = made.record;
    const steps = tokens.map((token, t) => ({ token, features: features[t]!, tag: tags[t]! }));
    const said = read(weights, steps);
    const streamed = said.tags.flat();
    expect(made.streamed).toHaveLength(streamed.length);
    for (const [i, value] of streamed.entries()) expect(made.streamed[i]).toBeCloseTo(value, 3);
    // Both streams had the sequence; `tags` of its last step, at first and from the saved state.
    const last = [...said.tags.at(-1)!, ...said.tags.at(-1)!];
    for (const [i, value] of last.entries()) expect(made.first.tags.data[i]).toBeCloseTo(value, 3);
    expect(made.again).toEqual(made.first);
    expect(Object.entries(made.saved).map(([name, { shape }]) => [name, shape])).toEqual([["h", [2, 2, 12]]]);
  });

  test("generates from prompts of two lengths together, the first as it is alone", async () => {
    expect(made.written.map(({ length }) => length)).toEqual([40, 40]);
    expect(made.written.flat().every((token) => Number.isInteger(token) && token >= 0 && token < 5)).toBe(true);
    const writer = new CharModel({ vocabSize: 5, cell: "lstm", embeddingDim: 4, hiddenSize: 8 });
    const alone: number[] = [];
    const options = { prompt: made.prompts[0]!, length: 40, temperature: 0.7 };
    for await (const { tokens } of runtime.generate(writer, options)) alone.push(...tokens);
    expect(made.written[0]).toEqual(alone);
    runtime.release(writer);
  });

  test("gives the memory of a released model back", () => {
    const names = ({ models }: MemoryReport) => models.map(({ name }) => name);
    expect(names(made.before)).toContain("CharModel");
    expect(names(made.after)).toEqual(names(made.before).filter((name) => name !== "CharModel"));
    expect(made.after.bytes).toBeLessThan(made.before.bytes);
    expect(made.after.roles.parameter).toBeLessThan(made.before.roles.parameter!);
  });

  test("finds sequences, best first, by the score that the page says", () => {
    const [first, second] = made.found;
    expect(made.found).toHaveLength(2);
    expect(first!.score).toBeGreaterThan(second!.score);
    for (const { tokens, logProbability, score } of made.found) {
      expect(tokens.slice(0, -1)).not.toContain(0);
      expect(tokens.length === 12 || tokens.at(-1) === 0).toBe(true);
      expect(score).toBeCloseTo(logProbability / tokens.length ** 0.6, 6);
    }
  });

  test("saves and loads every weight", async () => {
    expect(made.copied).toEqual(await runtime.stateDict(made.reader));
    expect(Object.keys(made.copied)).toContain("layers.1.weight_hh_l0");
  });

  test("goes on from a file to the same losses", async () => {
    const [gone, resumed] = made.next;
    expect(gone![0]).toBe(4);
    expect(resumed).toEqual(gone);
    expect(await runtime.stateDict(made.resumed.model)).toEqual(await runtime.stateDict(made.copy));
  });

  test("loads a Keras GRU that resets before the product, and leaves the other weights", async () => {
    const { kernel, recurrent_kernel, bias } = made.keras;
    const xs = [
      [0.5, -1],
      [2, 0.25],
      [-1.5, 1],
    ];
    const program = await runtime.compile(made.imported, {
      inputs: { x: { shape: [1, 3, 2] } },
      forward: ({ x }) => made.imported.forward(x),
    });
    const { y } = await program.run({ x: { shape: [1, 3, 2], data: Float32Array.from(xs.flat()) } });
    const weights = await runtime.stateDict(made.imported);
    // Keras: columns z r h, and h' = z * h + (1 - z) * tanh(W·x + U·(r * h) + b).
    const column = ({ data }: TensorData, c: number, v: readonly number[]) =>
      v.reduce((sum, x, i) => sum + x * data[9 * i + c]!, 0);
    let h = [0, 0, 0];
    for (const [t, x] of xs.entries()) {
      const gate = (first: number, read_: readonly number[]) =>
        h.map((_, u) => {
          const c = first + u;
          return column(kernel, c, x) + column(recurrent_kernel, c, read_) + bias.data[c]!;
        });
      const before = h;
      const [z, r] = [gate(0, h).map(sigmoid), gate(3, h).map(sigmoid)];
      const candidate = gate(
        6,
        h.map((v, u) => r[u]! * v),
      ).map(Math.tanh);
      h = before.map((v, u) => z[u]! * v + (1 - z[u]!) * candidate[u]!);
      expect(y.data[t]).toBeCloseTo(linear(weights, "head", h)[0]!, 4);
    }
    expect(weights["head.weight"]!.data.some((v) => v !== 0)).toBe(true);
    // Forgotten, it is refused.
    expect(() => importWeights("keras", "gru", made.keras)).toThrow(ShapeError);
  });

  test("attends to real steps only, and finds the marked one", async () => {
    expect(made.classified[0]).toBeGreaterThan(0.5);
    expect(made.classified.at(-1)).toBeLessThan(0.25);
    const { classifier } = made;
    const [T, B] = [8, 16];
    const program = await runtime.compile(classifier, {
      inputs: { x: { shape: [T, B, 2] }, lengths: { shape: [B], dtype: "i32" } },
      forward: (inputs) => classifier.forward(inputs),
    });
    const { x, target } = made.signs.at(0);
    const real = (t: number, b: number) => t < x.lengths.data[b]!;
    const { logits, weights } = await program.run(x);
    const right = Array.from(
      target.data,
      (label, b) => Number(logits.data[2 * b + 1]! > logits.data[2 * b]!) === label,
    );
    expect(right.filter(Boolean).length).toBeGreaterThanOrEqual(14);
    for (let b = 0; b < B; b++) {
      const row = [...weights.data.slice(b * T, (b + 1) * T)];
      expect(row.reduce((sum, v) => sum + v)).toBeCloseTo(1, 5);
      row.forEach((weight, t) => {
        expect(weight > 0).toBe(real(t, b));
      });
    }
    const data = Float32Array.from(x.x.data, (v, i) => (real(Math.floor(i / 2 / B), Math.floor(i / 2) % B) ? v : -7));
    expect(data).not.toEqual(x.x.data);
    expect((await program.run({ ...x, x: { ...x.x, data } })).logits).toEqual(logits);
    // The shortest sequence alone, without padding.
    const n = Math.min(...x.lengths.data);
    const b = x.lengths.data.indexOf(n);
    expect(n).toBeLessThan(T);
    const alone = await runtime.compile(classifier, {
      inputs: { x: { shape: [n, 1, 2] }, lengths: { shape: [1], dtype: "i32" } },
      forward: (inputs) => classifier.forward(inputs),
    });
    const steps = Array.from({ length: n }, (_, t) => [...x.x.data.slice(2 * (t * B + b), 2 * (t * B + b + 1))]);
    const given = { shape: [n, 1, 2], data: Float32Array.from(steps.flat()) };
    const expectSame = async () => {
      const padded = (await program.run(x)).logits;
      const said = await alone.run({ x: given, lengths: { shape: [1], data: Int32Array.of(n) } });
      for (const i of [0, 1]) expect(said.logits.data[i]).toBeCloseTo(padded.data[2 * b + i]!, 4);
    };
    await expectSame();
    // New weights give outputs of both signs, where the largest of a padded sequence must not be 0.
    runtime.initialize(classifier, { seed: 2 });
    await expectSame();
  });
});

const zeros = (shapes: Readonly<Record<string, readonly number[]>>): StateDict =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { shape, data: new Float32Array(shape.reduce((a, b) => a * b)) },
    ]),
  );

describe("the table of weights", () => {
  const [I, H] = [2, 3];
  const onnx = (gates: number, D = 1) => ({ W: [D, gates * H, I], R: [D, gates * H, H], B: [D, 2 * gates * H] });
  const keras = (gates: number) => ({ kernel: [I, gates * H], recurrent_kernel: [H, gates * H], bias: [gates * H] });
  const webnn = { weight: [1, 3 * H, I], recurrentWeight: [1, 3 * H, H], bias: [1, 3 * H], recurrentBias: [1, 3 * H] };
  const sizes = { inputSize: I, hiddenSize: H };
  const gru = (options: Partial<GRUOptions> = {}) => new GRU({ ...sizes, ...options });
  const lstm = (options: Partial<LSTMOptions> = {}) => new LSTM({ ...sizes, ...options });
  const under = (name: string, shapes: object) =>
    Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [`${name}/${key}`, shape]));
  const withoutBias = ({ kernel, recurrent_kernel }: ReturnType<typeof keras>) => ({ kernel, recurrent_kernel });
  type Row = [
    string,
    WeightLayout,
    WeightLayoutCell,
    Readonly<Record<string, readonly number[]>>,
    Module,
    WeightLayoutOptions?,
  ];

  test.each<Row>([
    ["Keras GRU", "keras", "gru", { ...keras(3), bias: [2, 3 * H] }, gru()],
    ["reset_after=False", "keras", "gru", keras(3), gru({ resetAfter: false }), { resetAfter: false }],
    ["linear_before_reset=0", "onnx", "gru", onnx(3), gru({ resetAfter: false })],
    ["linear_before_reset=1", "onnx", "gru", onnx(3), gru()],
    ["WebNN resetAfter: false", "webnn", "gru", webnn, gru({ resetAfter: false })],
    ["WebNN rzn", "webnn", "gru", webnn, gru(), { gateOrder: "rzn" }],
    ["input_forget=1", "onnx", "lstm", onnx(4), lstm({ coupledGates: true }), { coupledGates: true }],
    ["P", "onnx", "lstm", { ...onnx(4), P: [1, 3 * H] }, lstm({ peepholes: true })],
    ["use_bias=False", "keras", "lstm", withoutBias(keras(4)), lstm({ bias: false })],
    [
      "Keras Bidirectional",
      "keras",
      "lstm",
      { ...under("forward_layer", keras(4)), ...under("backward_layer", keras(4)) },
      lstm({ bidirectional: true, merge: "sum" }),
    ],
    ["ONNX bidirectional", "onnx", "rnn", onnx(1, 2), new RNN({ ...sizes, bidirectional: true })],
    ["ONNX reverse", "onnx", "rnn", onnx(1), new RNN({ ...sizes, goBackwards: true, clip: 3, nonlinearity: "Affine" })],
    [
      "Keras 3's hard_sigmoid",
      "keras",
      "lstm",
      keras(4),
      lstm({ batchFirst: true, maskedOutput: "hold", activations: { gate: { name: "HardSigmoid", alpha: 1 / 6 } } }),
    ],
  ])("%s: the weights fit the layer that it says", async (_, layout, cell, shapes, model, options) => {
    const runtime = await Runtime.open({ backend: "cpu" });
    runtime.loadStateDict(model, importWeights(layout, cell, zeros(shapes), options));
    expect(Object.values(await runtime.stateDict(model)).every(({ data }) => data.every((v) => v === 0))).toBe(true);
    runtime.dispose();
  });
});

test("functions that the page names exist", () => {
  const named = [...page.matchAll(/functional\.(\w+)/g)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !(name in functional))).toEqual([]);
});

test("the page's code has the types of the package, by strict rules", () => {
  expect(typeFaults({ noUnusedLocals: true })).toEqual([]);
});
