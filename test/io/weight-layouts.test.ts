/** Weights of other frameworks become ours and go back: by hand, and bit for bit over random shapes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  exportWeights,
  importWeights,
  type StateDict,
  type WeightLayout,
  type WeightLayoutCell,
  type WeightLayoutOptions,
} from "../../src/index.ts";

const tensor = (shape: readonly number[], data: Iterable<number>) => ({ shape, data: Float32Array.from(data) });

/** What the tensors hold, as plain arrays; -0 stays -0. */
const plain = (dict: StateDict): Record<string, { shape: readonly number[]; data: number[] }> =>
  Object.fromEntries(Object.entries(dict).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]));

describe("by hand", () => {
  // One unit, one input: every number is a gate's.
  test.each<[WeightLayout, WeightLayoutCell, WeightLayoutOptions, order: number[]]>([
    ["onnx", "lstm", {}, [0, 2, 3, 1]], // i o f c
    ["onnx", "gru", {}, [1, 0, 2]], // z r h
    ["keras", "lstm", {}, [0, 1, 2, 3]], // i f c o
    ["keras", "gru", {}, [1, 0, 2]], // z r h
    ["webnn", "lstm", {}, [0, 2, 3, 1]], // i o f g
    ["webnn", "lstm", { gateOrder: "iofg" }, [0, 2, 3, 1]],
    ["webnn", "lstm", { gateOrder: "ifgo" }, [0, 1, 2, 3]],
    ["webnn", "gru", {}, [1, 0, 2]], // z r n
    ["webnn", "gru", { gateOrder: "zrn" }, [1, 0, 2]],
    ["webnn", "gru", { gateOrder: "rzn" }, [0, 1, 2]],
    ["pytorch", "lstm", {}, [0, 1, 2, 3]], // i f g o
    ["pytorch", "gru", {}, [0, 1, 2]], // r z n
  ])("%s %s %j packs the gates as it says", (layout, cell, options, order) => {
    const G = order.length;
    const names = {
      onnx: ["W", "R"],
      keras: ["kernel", "recurrent_kernel"],
      webnn: ["weight", "recurrentWeight"],
      pytorch: ["weight_ih_l0", "weight_hh_l0"],
    }[layout] as [string, string];
    const shape = { onnx: [1, G, 1], keras: [1, G], webnn: [1, G, 1], pytorch: [G, 1] }[layout];
    const theirs = {
      [names[0]]: tensor(shape, order.keys()),
      [names[1]]: tensor(
        shape,
        order.map((_, k) => 10 + k),
      ),
    };
    const ours = importWeights(layout, cell, theirs, options);
    expect(plain(ours)).toEqual({
      weight_ih_l0: { shape: [G, 1], data: order },
      weight_hh_l0: { shape: [G, 1], data: order.map((k) => 10 + k) },
    });
    expect(exportWeights(layout, cell, ours, options)).toEqual(theirs);
  });

  test("ONNX LSTM: both biases in B, peepholes i o f in P, directions along the first axis", () => {
    const ours = importWeights("onnx", "lstm", {
      W: tensor([2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8]),
      R: tensor([2, 4, 1], [11, 12, 13, 14, 15, 16, 17, 18]),
      B: tensor([2, 8], [21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33, 34, 35, 36, 37, 38]),
      P: tensor([2, 3], [41, 42, 43, 51, 52, 53]),
    });
    expect(Object.fromEntries(Object.entries(ours).map(([name, { data }]) => [name, [...data]]))).toEqual({
      weight_ih_l0: [1, 3, 4, 2],
      weight_hh_l0: [11, 13, 14, 12],
      bias_ih_l0: [21, 23, 24, 22],
      bias_hh_l0: [25, 27, 28, 26],
      peephole_i_l0: [41],
      peephole_f_l0: [43],
      peephole_o_l0: [42],
      weight_ih_l0_reverse: [5, 7, 8, 6],
      weight_hh_l0_reverse: [15, 17, 18, 16],
      bias_ih_l0_reverse: [31, 33, 34, 32],
      bias_hh_l0_reverse: [35, 37, 38, 36],
      peephole_i_l0_reverse: [51],
      peephole_f_l0_reverse: [53],
      peephole_o_l0_reverse: [52],
    });
  });

  test("ONNX LSTM with input_forget: our f is their i with the sign changed", () => {
    const theirs = {
      W: tensor([1, 4, 1], [1, 2, 3, 4]),
      R: tensor([1, 4, 1], [11, 12, 13, 14]),
      P: tensor([1, 3], [41, 42, 43]),
    };
    const ours = importWeights("onnx", "lstm", theirs, { coupledGates: true });
    expect(plain(ours)).toEqual({
      weight_ih_l0: { shape: [3, 1], data: [-1, 4, 2] },
      weight_hh_l0: { shape: [3, 1], data: [-11, 14, 12] },
      peephole_f_l0: { shape: [1], data: [-41] },
      peephole_o_l0: { shape: [1], data: [42] },
    });
    // The forget gate's own weights have no effect there, and are 0 on the way back.
    expect(plain(exportWeights("onnx", "lstm", ours, { coupledGates: true }))).toEqual({
      W: { shape: [1, 4, 1], data: [1, 2, 0, 4] },
      R: { shape: [1, 4, 1], data: [11, 12, 0, 14] },
      P: { shape: [1, 3], data: [41, 42, 0] },
    });
  });

  test("WebNN LSTM: peepholes i o f, in whichever order the gates are", () => {
    for (const gateOrder of ["iofg", "ifgo"]) {
      const theirs = {
        weight: tensor([1, 4, 1], [1, 2, 3, 4]),
        recurrentWeight: tensor([1, 4, 1], [5, 6, 7, 8]),
        peepholeWeight: tensor([1, 3], [10, 20, 30]),
      };
      const ours = importWeights("webnn", "lstm", theirs, { gateOrder });
      expect(plain(ours)).toMatchObject({
        peephole_i_l0: { data: [10] },
        peephole_o_l0: { data: [20] },
        peephole_f_l0: { data: [30] },
        weight_ih_l0: { data: gateOrder === "iofg" ? [1, 3, 4, 2] : [1, 2, 3, 4] },
      });
      expect(exportWeights("webnn", "lstm", ours, { gateOrder })).toEqual(theirs);
    }
  });

  test("Keras LSTM: matrices are transposed, one bias", () => {
    const theirs = {
      // Three inputs, two units: columns are i i f f c c o o.
      kernel: tensor(
        [3, 8],
        [0, 1, 2].flatMap((input) => [...Array(8).keys()].map((column) => 10 * input + column)),
      ),
      recurrent_kernel: tensor(
        [2, 8],
        [0, 1].flatMap((unit) => [...Array(8).keys()].map((column) => 100 * unit + column)),
      ),
      bias: tensor([8], Array(8).keys()),
    };
    const ours = importWeights("keras", "lstm", theirs, { path: "encoder.rnn", layer: 2 });
    expect(plain(ours)).toEqual({
      "encoder.rnn.weight_ih_l2": {
        shape: [8, 3],
        data: [...Array(8).keys()].flatMap((column) => [column, 10 + column, 20 + column]),
      },
      "encoder.rnn.weight_hh_l2": {
        shape: [8, 2],
        data: [...Array(8).keys()].flatMap((column) => [column, 100 + column]),
      },
      "encoder.rnn.bias_ih_l2": { shape: [8], data: [...Array(8).keys()] },
      "encoder.rnn.bias_hh_l2": { shape: [8], data: Array(8).fill(0) },
    });
    const whole = { ...ours, "encoder.rnn.weight_ih_l1": tensor([1], [0]), "head.weight": tensor([1], [0]) };
    expect(exportWeights("keras", "lstm", whole, { path: "encoder.rnn", layer: 2 })).toEqual(theirs);
  });

  test("Keras GRU: a bias for each product when the reset gate stands between them, else one", () => {
    const matrices = { kernel: tensor([1, 3], [1, 2, 3]), recurrent_kernel: tensor([1, 3], [4, 5, 6]) };
    const after = { ...matrices, bias: tensor([2, 3], [7, 8, 9, 10, 11, 12]) };
    const ours = importWeights("keras", "gru", after);
    expect(plain(ours)).toMatchObject({
      bias_ih_l0: { data: [8, 7, 9] },
      bias_hh_l0: { data: [11, 10, 12] },
    });
    expect(exportWeights("keras", "gru", ours)).toEqual(after);
    // Reset before the product: the function has the sum of both.
    expect(plain(exportWeights("keras", "gru", ours, { resetAfter: false }))).toMatchObject({
      bias: { shape: [3], data: [17, 19, 21] },
    });
    expect(importWeights("keras", "gru", after, { resetAfter: true })).toEqual(ours);
    const before = { ...matrices, bias: tensor([3], [7, 8, 9]) };
    const resetBefore = importWeights("keras", "gru", before, { resetAfter: false });
    expect(plain(resetBefore)).toMatchObject({ bias_ih_l0: { data: [8, 7, 9] }, bias_hh_l0: { data: [0, 0, 0] } });
    expect(exportWeights("keras", "gru", resetBefore, { resetAfter: false })).toEqual(before);
    // Without a bias nothing tells which it is.
    for (const resetAfter of [true, false])
      expect(Object.keys(importWeights("keras", "gru", matrices, { resetAfter }))).toHaveLength(2);
  });

  test("Keras Bidirectional: a layer each", () => {
    const ours = importWeights("keras", "rnn", {
      "forward_layer/kernel": tensor([1, 2], [1, 2]),
      "forward_layer/recurrent_kernel": tensor([2, 2], [3, 4, 5, 6]),
      "backward_layer/kernel": tensor([1, 2], [7, 8]),
      "backward_layer/recurrent_kernel": tensor([2, 2], [9, 10, 11, 12]),
    });
    expect(plain(ours)).toEqual({
      weight_ih_l0: { shape: [2, 1], data: [1, 2] },
      weight_hh_l0: { shape: [2, 2], data: [3, 5, 4, 6] },
      weight_ih_l0_reverse: { shape: [2, 1], data: [7, 8] },
      weight_hh_l0_reverse: { shape: [2, 2], data: [9, 11, 10, 12] },
    });
  });

  test("a WebNN layer with one of its biases: the other one is 0", () => {
    const matrices = { weight: tensor([1, 3, 1], [1, 2, 3]), recurrentWeight: tensor([1, 3, 1], [4, 5, 6]) };
    expect(
      plain(importWeights("webnn", "gru", { ...matrices, recurrentBias: tensor([1, 3], [7, 8, 9]) })),
    ).toMatchObject({ bias_ih_l0: { data: [0, 0, 0] }, bias_hh_l0: { data: [8, 7, 9] } });
  });
});

// Any layer of any framework, with numbers that all differ and a -0.
interface Layer {
  readonly layout: WeightLayout;
  readonly cell: WeightLayoutCell;
  readonly options: WeightLayoutOptions;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

const layers: fc.Arbitrary<Layer> = fc
  .record({
    layout: fc.constantFrom<WeightLayout>("onnx", "keras", "webnn", "pytorch"),
    cell: fc.constantFrom<WeightLayoutCell>("lstm", "gru", "rnn"),
    D: fc.constantFrom(1, 2),
    H: fc.integer({ min: 1, max: 5 }),
    I: fc.integer({ min: 1, max: 7 }),
    P: fc.integer({ min: 1, max: 5 }),
    bias: fc.boolean(),
    more: fc.boolean(),
    other: fc.boolean(),
    layer: fc.integer({ min: 0, max: 12 }),
    path: fc.constantFrom("", "rnn", "encoder.0"),
  })
  .filter(({ layout, cell }) => layout !== "webnn" || cell !== "rnn")
  .map(({ layout, cell, D, H, I, P, bias, more, other, layer, path }) => {
    const rows = { lstm: 4, gru: 3, rnn: 1 }[cell] * H;
    const lstm = cell === "lstm";
    const options: WeightLayoutOptions = { layer, path };
    if (layout === "onnx" || layout === "webnn") {
      const [W, R, b, r, p] =
        layout === "onnx"
          ? ["W", "R", "B", "B", "P"]
          : ["weight", "recurrentWeight", "bias", "recurrentBias", "peepholeWeight"];
      const width = layout === "onnx" ? 2 * rows : rows;
      const shapes = {
        [W!]: [D, rows, I],
        [R!]: [D, rows, H],
        ...(bias && { [b!]: [D, width], [r!]: [D, width] }),
        ...(lstm && more && { [p!]: [D, 3 * H] }),
      };
      const gateOrder = lstm ? "ifgo" : "rzn";
      return { layout, cell, shapes, options: layout === "webnn" && other ? { ...options, gateOrder } : options };
    }
    if (layout === "keras") {
      const two = cell === "gru" && other;
      const shapes = Object.fromEntries(
        (D === 1 ? [""] : ["forward_layer/", "backward_layer/"]).flatMap((prefix) => [
          [`${prefix}kernel`, [I, rows]],
          [`${prefix}recurrent_kernel`, [H, rows]],
          ...(bias ? [[`${prefix}bias`, two ? [2, rows] : [rows]]] : []),
        ]),
      );
      return { layout, cell, shapes, options: cell === "gru" ? { ...options, resetAfter: two } : options };
    }
    const R = lstm && more ? Math.min(P, H) : H;
    const shapes = Object.fromEntries(
      (D === 1 ? ["_l0"] : ["_l0", "_l0_reverse"]).flatMap((end) => [
        [`weight_ih${end}`, [rows, I]],
        [`weight_hh${end}`, [rows, R]],
        ...(bias
          ? [
              [`bias_ih${end}`, [rows]],
              [`bias_hh${end}`, [rows]],
            ]
          : []),
        ...(lstm && more ? [[`weight_hr${end}`, [R, H]]] : []),
      ]),
    );
    return { layout, cell, options, shapes };
  });

function numbered(shapes: Layer["shapes"], wide: boolean): StateDict {
  let next = 0;
  const value = () => (next++ === 3 ? -0 : (next % 2 ? 1 : -1) / (next + 0.5));
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const data = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, value);
      return [name, { shape, data: wide ? Float64Array.from(data) : Float32Array.from(data) }];
    }),
  );
}

test("every layout comes back bit for bit, over random shapes", () => {
  fc.assert(
    fc.property(layers, fc.boolean(), ({ layout, cell, options, shapes }, wide) => {
      const theirs = numbered(shapes, wide);
      const copy = structuredClone(theirs);
      const ours = importWeights(layout, cell, theirs, options);
      // vitest's toEqual tells -0 from 0 and Float32Array from Float64Array.
      expect(exportWeights(layout, cell, ours, options)).toStrictEqual(copy);
      expect(theirs).toStrictEqual(copy);
      // And the other way round: ours has every number of theirs once.
      const numbers = (dict: StateDict) => Object.values(dict).flatMap(({ data }) => [...data]);
      const used = numbers(ours).filter((n) => n !== 0);
      expect(used.sort()).toStrictEqual(
        numbers(copy)
          .filter((n) => n !== 0)
          .sort(),
      );
    }),
    { numRuns: 300 },
  );
});

test("weights of ours go through every layout that has room for them, and only a split of biases is lost", () => {
  fc.assert(
    fc.property(layers, ({ layout, cell, options, shapes }) => {
      const ours = importWeights(layout, cell, numbered(shapes, false), options);
      const twoBiases = Object.fromEntries(
        Object.entries(ours).map(([name, { shape, data }]) => [
          name,
          name.includes("bias_hh")
            ? tensor(
                shape,
                data.map((_, i) => i + 2),
              )
            : { shape, data },
        ]),
      );
      const back = importWeights(layout, cell, exportWeights(layout, cell, twoBiases, options), options);
      if (layout !== "keras" || options.resetAfter) {
        expect(back).toStrictEqual(twoBiases);
        return;
      }
      for (const [name, { shape, data }] of Object.entries(twoBiases)) {
        const partner = twoBiases[name.replace("bias_ih", "bias_hh")]!.data;
        const expected = name.includes("bias_hh")
          ? data.map(() => 0)
          : name.includes("bias_ih")
            ? data.map((n, i) => n + partner[i]!)
            : data;
        expect(back[name]).toStrictEqual({ shape, data: expected });
      }
    }),
  );
});
