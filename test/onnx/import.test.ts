/** What an imported model is: its parameters, states and constants, in sessions, programs and training. */
import { describe, expect, test } from "vitest";
import { adam, mse, RandomStream, type TensorData } from "../../src/index.ts";
import { importOnnx } from "../../src/onnx/index.ts";
import { runtimesForTests } from "../support/backends.ts";
import { drawn, int64, node, numbers, onnxFile, scalar } from "../support/onnx-graphs.ts";

const { onEach, runtimes } = await runtimesForTests();
const runtime = runtimes.wasm;
const series = (name: string, ...shape: number[]): TensorData => {
  const random = new RandomStream(2, name);
  return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()) };
};

/** x [T,B,3] → LSTM 4 → Gemm to 2, as PyTorch writes it, with the states in and out. */
const recurrentFile = (batch: number | string = "B") =>
  onnxFile({
    opset: 17,
    inputs: {
      x: { type: "FLOAT", shape: ["T", batch, 3] },
      h0: { type: "FLOAT", shape: [1, batch, 4] },
      c0: { type: "FLOAT", shape: [1, batch, 4] },
    },
    initializers: {
      W: drawn("W", [1, 16, 3], -0.5, 0.5),
      R: drawn("R", [1, 16, 4], -0.5, 0.5),
      B: drawn("B", [1, 32], -0.5, 0.5),
      "head.weight": drawn("hw", [2, 4]),
      "head.bias": drawn("hb", [2]),
      second: int64(1),
      first: int64(0),
    },
    nodes: [
      node("LSTM", ["x", "W", "R", "B", "", "h0", "c0"], ["y", "hn", "cn"], { hidden_size: 4 }),
      node("Squeeze", ["y", "second"], ["steps"]),
      node("Squeeze", ["hn", "first"], ["last"]),
      node("Gemm", ["last", "head.weight", "head.bias"], ["logits"], { transB: 1 }),
    ],
    outputs: ["logits", "steps", "hn", "cn"],
  });
const states = { hn: "h0", cn: "c0" };

describe("parameters", () => {
  test("bear the names of the file, layers those of their nodes", async () => {
    const model = importOnnx(recurrentFile(), { states });
    const dict = await runtime.stateDict(model);
    expect(Object.keys(dict).sort()).toEqual([
      "head.bias",
      "head.weight",
      "layers.LSTM_y.bias_hh_l0",
      "layers.LSTM_y.bias_ih_l0",
      "layers.LSTM_y.weight_hh_l0",
      "layers.LSTM_y.weight_ih_l0",
    ]);
    expect([...dict["head.weight"]!.data]).toEqual(drawn("hw", [2, 4]).values);
    // ONNX's gates are i o f c, ours i f g o: the second four rows are the forget gate's.
    expect([...dict["layers.LSTM_y.weight_ih_l0"]!.data.slice(12, 15)]).toEqual(
      drawn("W", [1, 16, 3], -0.5, 0.5).values.slice(24, 27),
    );
    expect(model.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(model.outputs.map(({ name }) => name)).toEqual(["logits", "steps"]);
  });

  test("are one where a file reads one weight in two ways, and numbers that are no weights are none", async () => {
    const tied = importOnnx(
      onnxFile({
        opset: 17,
        inputs: { tokens: { type: "INT64", shape: ["T"] } },
        initializers: { table: drawn("table", [5, 3]), scale: scalar(0.5) },
        nodes: [
          node("Gather", ["table", "tokens"], ["e"]),
          node("Mul", ["e", "scale"], ["s"]),
          node("Constant", [], ["shift"], { value: { tensor: drawn("shift", [3]) } }),
          node("Add", ["s", "shift"], ["a"]),
          node("Transpose", ["table"], ["t"]),
          node("MatMul", ["a", "t"], ["y"]),
        ],
        outputs: ["y"],
      }),
    );
    expect(Object.keys(await runtime.stateDict(tied))).toEqual(["table"]);
    const moved = importOnnx(
      onnxFile({
        opset: 17,
        inputs: { x: { type: "FLOAT", shape: ["N", 3] } },
        initializers: { weight: drawn("w", [2, 3]) },
        nodes: [node("Transpose", ["weight"], ["t"]), node("MatMul", ["x", "t"], ["y"])],
        outputs: ["y"],
      }),
    );
    const dict = await runtime.stateDict(moved);
    expect(Object.entries(dict).map(([name, { shape }]) => [name, shape])).toEqual([["weight", [3, 2]]]);
  });

  test("of a BatchNormalization are a factor and a summand, which training changes", async () => {
    const ones = numbers("FLOAT", [1, 1], [2]);
    const model = importOnnx(
      onnxFile({
        opset: 17,
        inputs: { x: { type: "FLOAT", shape: ["N", 2] } },
        initializers: { gamma: ones, beta: ones, mean: ones, variance: numbers("FLOAT", [4, 4], [2]) },
        nodes: [
          node("BatchNormalization", ["x", "gamma", "beta", "mean", "variance"], ["y"], { epsilon: { float: 0 } }),
        ],
        outputs: ["y"],
      }),
    );
    expect(await runtime.stateDict(model)).toEqual({
      gamma: { shape: [2], data: Float32Array.of(0.5, 0.5) },
      beta: { shape: [2], data: Float32Array.of(0.5, 0.5) },
    });
  });
});

describe("states", () => {
  test.each(["B", 3])("of several streams go on in a session, as in one long call (batch %s)", async (batch) => {
    const model = importOnnx(recurrentFile(batch), {
      states: typeof batch === "number" ? { hn: { input: "h0", axis: 1 }, cn: { input: "c0", axis: 1 } } : states,
    });
    const session = await runtime.session(model, { inputs: { x: [2, 3, 3] }, streams: 3 });
    const [first, second] = [series("one", 2, 3, 3), series("two", 2, 3, 3)];
    await session.run({ x: first });
    session.active = [0, 2];
    const { logits } = await session.run({ x: second });
    const whole = { shape: [4, 3, 3], data: Float32Array.of(...first.data, ...second.data) };
    const { logits: expected, ...others } = await runtime.predict(model, whole);
    const rows = (data: ArrayLike<number>) => [0, 1, 4, 5].map((i) => data[i]!);
    for (const [i, value] of rows(expected!.data).entries()) expect(rows(logits!.data)[i]).toBeCloseTo(value, 5);
    expect(Object.keys(others)).toEqual(["steps", "state.h0", "state.c0"]);
    // The stream that took no part holds its state.
    const after = await session.state();
    const held = await runtime.predict(model, first);
    const state = after.h0!;
    expect([...state.data.slice(4, 8)]).toEqual([...held["state.h0"]!.data.slice(4, 8)]);
  });

  test("whose streams are along the first axis go through a session, too", async () => {
    // A moving sum of the last two inputs: y = x + before.
    const model = importOnnx(
      onnxFile({
        opset: 17,
        inputs: { x: { type: "FLOAT", shape: ["N", 2] }, before: { type: "FLOAT", shape: ["N", 2] } },
        nodes: [node("Add", ["x", "before"], ["state"]), node("Identity", ["x"], ["after"])],
        outputs: ["state", "after"],
      }),
      { states: { after: "before" } },
    );
    const session = await runtime.session(model, { inputs: { x: [3, 2] }, streams: 3 });
    const x = series("x", 3, 2);
    await session.run({ x });
    session.reset([1]);
    // An output that is called state is no state.
    const { state_output: y } = await session.run({ x });
    expect([...y!.data]).toEqual([...x.data].map((value, i) => Math.fround(i === 2 || i === 3 ? value : 2 * value)));
  });

  test("and constants are compared with the graph", () => {
    const file = recurrentFile();
    expect(() => importOnnx(file, { states: { hm: "h0" } })).toThrow('there is no output "hm"; outputs are logits');
    expect(() => importOnnx(file, { states: { hn: "h1" } })).toThrow('there is no input "h1"; inputs are x, h0, c0');
    expect(() => importOnnx(file, { states: { hn: "h0", cn: "h0" } })).toThrow("is there twice");
    expect(() => importOnnx(file, { states: { hn: { input: "h0", axis: 3 } } })).toThrow("it has 3 axes");
    expect(() => importOnnx(file, { constants: { sr: 1 } })).toThrow('unknown option "sr"');
    expect(() => importOnnx(file, { constants: { h0: { shape: [2, 1, 4], data: new Float32Array(8) } } })).toThrow(
      '"h0" is [2,1,4] with 8 numbers, expected [1,B,4]',
    );
    expect(() => importOnnx(file, { state: {} } as never)).toThrow('unknown option "state"');
    expect(() => importOnnx("model.onnx" as never)).toThrow("expected the file's bytes");
  });
});

describe("inputs", () => {
  test("that are constants decide at the import what depends on them", async () => {
    const file = onnxFile({
      opset: 17,
      inputs: { x: { type: "FLOAT", shape: [2] }, times: { type: "INT64", shape: [] } },
      initializers: { first: int64(0) },
      nodes: [node("Unsqueeze", ["times", "first"], ["list"]), node("Tile", ["x", "list"], ["y"])],
      outputs: ["y"],
    });
    const model = importOnnx(file, { constants: { times: 2 } });
    const { y } = await runtime.predict(model, { shape: [2], data: Float32Array.of(1, 2) });
    expect(y).toEqual({ shape: [4], data: Float32Array.of(1, 2, 1, 2) });
    const open = importOnnx(file);
    const x = { shape: [2], data: Float32Array.of(1, 2) };
    await expect(runtime.predict(open, { x, times: { shape: [], data: Int32Array.of(2) } })).rejects.toThrow(
      'Tile "Tile_y": input 1 is computed from the numbers that the model is given',
    );
  });

  test("that do not fit are refused by name", async () => {
    const model = importOnnx(recurrentFile(), { states });
    const refused = (x: Parameters<typeof runtime.predict>[1]) => expect(runtime.predict(model, x)).rejects;
    await refused(series("x", 2, 3, 5)).toThrow('input "x" is [2,3,5], expected [T,B,3]: axis 2 is fixed in the file');
    await refused(series("x", 2, 3)).toThrow("3 axes");
    await refused({ shape: [2, 1, 3], data: new Int32Array(6) }).toThrow('input "x" holds i32, and FLOAT is f32');
    await refused({ y: series("x", 2, 3, 3) }).toThrow('there is no input "x"');
    await refused({ x: series("x", 2, 3, 3), z: series("x", 1) }).toThrow('there is no input "z"; inputs are x');
    const two = importOnnx(recurrentFile());
    const h0 = series("h", 1, 2, 4);
    await expect(runtime.predict(two, { x: series("x", 2, 3, 3), h0, c0: h0 })).rejects.toThrow('"B" is 3 elsewhere');
    await expect(runtime.predict(two, h0)).rejects.toThrow("one tensor is given, and the inputs are x, h0, c0");
  });
});

onEach(({ kind }) => {
  test("fine-tuning lowers the loss, of all weights, and a program computes with them", async () => {
    const on = runtimes[kind];
    const model = importOnnx(recurrentFile(), { states });
    const before = await on.stateDict(model);
    const batch = { x: series("x", 5, 4, 3), target: series("target", 4, 2) };
    const trainer = on.trainer(model, {
      optimizer: adam({ lr: 0.03 }),
      loss: (outputs, target) => mse().apply(outputs.logits!, target as never),
      carryState: false,
    });
    const losses: number[] = [];
    for (let step = 0; step < 15; step++) losses.push((await trainer.step(batch)).loss);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
    const after = await on.stateDict(model);
    for (const [name, { data }] of Object.entries(before))
      expect(
        after[name]!.data.some((value, i) => value !== data[i]),
        name,
      ).toBe(true);
    const program = await on.compile(model, {
      inputs: { x: { shape: [5, 4, 3] } },
      forward: ({ x }) => ({ logits: model.forward(x).logits! }),
    });
    const { logits } = await program.run({ x: batch.x });
    const errors = Array.from(logits.data, (value, i) => (value - batch.target.data[i]!) ** 2 / 8);
    const error = errors.reduce((sum, one) => sum + one, 0);
    expect(error).toBeLessThan(losses.at(-1)!);
    on.release(model);
  });
});
