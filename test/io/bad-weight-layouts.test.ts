/** Weights of other frameworks that do not fit: refused with the tensor, what it has and what is expected. */
import { describe, expect, test } from "vitest";
import { exportWeights, importWeights, OptionError, ShapeError } from "../../src/index.ts";

const tensor = (shape: readonly number[], data: Iterable<number>) => ({ shape, data: Float32Array.from(data) });

describe("refused", () => {
  const W = tensor([1, 4, 1], [1, 2, 3, 4]);
  const lstm = { W, R: W };
  const gru = { W: tensor([1, 3, 1], [1, 2, 3]), R: tensor([1, 3, 1], [1, 2, 3]) };
  const dict = importWeights("onnx", "lstm", lstm);
  const kerasGRU = { kernel: tensor([1, 3], [1, 2, 3]), recurrent_kernel: tensor([1, 3], [1, 2, 3]) };
  const directed = (direction: string, layer: object) =>
    Object.fromEntries(Object.entries(layer).map(([name, one]) => [`${direction}/${name}`, one]));
  const bad = (value: unknown) => value as never;

  test.each<[string, () => unknown, typeof OptionError | typeof ShapeError, RegExp]>([
    [
      "a layout that is unknown",
      () => importWeights(bad("caffe"), "lstm", lstm),
      OptionError,
      /layout is "caffe", expected one of onnx, keras, webnn, pytorch/,
    ],
    [
      "a cell that is unknown",
      () => importWeights("onnx", bad("sru"), lstm),
      OptionError,
      /cell is "sru", expected one of lstm, gru, rnn/,
    ],
    [
      "an option that is unknown",
      () => importWeights("onnx", "lstm", lstm, bad({ gates: 1 })),
      OptionError,
      /unknown option "gates"/,
    ],
    ["a layer that is no count", () => importWeights("onnx", "lstm", lstm, { layer: -1 }), OptionError, /layer is -1/],
    ["an RNN in WebNN", () => importWeights("webnn", "rnn", {}), OptionError, /webnn has no rnn/],
    [
      "gates in an order that WebNN does not have",
      () => importWeights("webnn", "lstm", {}, { gateOrder: "zrn" }),
      OptionError,
      /gateOrder is "zrn", expected iofg or ifgo/,
    ],
    [
      "another order in ONNX",
      () => importWeights("onnx", "lstm", lstm, { gateOrder: "ifgo" }),
      OptionError,
      /expected iofg/,
    ],
    [
      "coupled gates in a GRU",
      () => importWeights("onnx", "gru", gru, { coupledGates: true }),
      OptionError,
      /coupledGates is for/,
    ],
    [
      "resetAfter in ONNX, where weights do not depend on it",
      () => importWeights("onnx", "gru", gru, { resetAfter: true }),
      OptionError,
      /resetAfter is for/,
    ],
    ["no recurrent matrix", () => importWeights("onnx", "lstm", { W }), OptionError, /there is no R; given are W/],
    ["nothing at all", () => importWeights("keras", "lstm", {}), OptionError, /there is no kernel; given are none/],
    [
      "peepholes in a GRU",
      () => importWeights("onnx", "gru", { ...gru, P: tensor([1, 3], [1, 2, 3]) }),
      OptionError,
      /P has no meaning there; expected are W, R/,
    ],
    [
      "a name that is unknown",
      () => importWeights("onnx", "lstm", { ...lstm, b: W }),
      OptionError,
      /b has no meaning there/,
    ],
    [
      "three directions",
      () =>
        importWeights("onnx", "lstm", {
          W: tensor([3, 4, 1], Array(12).keys()),
          R: tensor([3, 4, 1], Array(12).keys()),
        }),
      ShapeError,
      /expected 1 or 2 directions/,
    ],
    [
      "rows that are no multiple of the gates",
      () => importWeights("onnx", "gru", lstm),
      ShapeError,
      /R has shape \[1,4,1\], expected 3\*H rows/,
    ],
    [
      "a matrix without the axis of directions",
      () => importWeights("onnx", "lstm", { W: tensor([4, 1], [1, 2, 3, 4]), R: W }),
      ShapeError,
      /W has shape \[4,1\], expected \[D,G\*H,columns\]/,
    ],
    [
      "matrices of different sizes",
      () => importWeights("onnx", "lstm", { W: tensor([1, 8, 1], Array(8).keys()), R: W }),
      ShapeError,
      /W has shape \[1,8,1\], expected \[1,4,1\]/,
    ],
    [
      "a recurrent matrix that is not square",
      () => importWeights("onnx", "lstm", { W, R: tensor([1, 4, 2], Array(8).keys()) }),
      ShapeError,
      /R has shape \[1,4,2\], expected \[1,4,1\]/,
    ],
    [
      "a bias of half the length",
      () => importWeights("onnx", "lstm", { ...lstm, B: tensor([1, 4], [1, 2, 3, 4]) }),
      ShapeError,
      /B has shape \[1,4\], expected \[1,8\]/,
    ],
    [
      "a Keras GRU that resets before the product, for one that resets after it",
      () => importWeights("keras", "gru", { ...kerasGRU, bias: tensor([3], [1, 2, 3]) }),
      ShapeError,
      /gru weights: bias has shape \[3\], expected \[2,3\]; that is reset_after=False: build new GRU\(\{ resetAfter: false \}\), and/,
    ],
    [
      "the same where resetAfter is said",
      () => importWeights("keras", "gru", { ...kerasGRU, bias: tensor([3], [1, 2, 3]) }, { resetAfter: true }),
      ShapeError,
      /bias has shape \[3\], expected \[2,3\]; that is reset_after=False/,
    ],
    [
      "a Keras GRU that resets after the product, for one that resets before it",
      () =>
        importWeights("keras", "gru", { ...kerasGRU, bias: tensor([2, 3], Array(6).keys()) }, { resetAfter: false }),
      ShapeError,
      /bias has shape \[2,3\], expected \[3\]; that is reset_after=True, .* leave resetAfter out in both/,
    ],
    [
      "the same in the second direction",
      () =>
        importWeights("keras", "gru", {
          ...directed("forward_layer", { ...kerasGRU, bias: tensor([2, 3], Array(6).keys()) }),
          ...directed("backward_layer", { ...kerasGRU, bias: tensor([3], [1, 2, 3]) }),
        }),
      ShapeError,
      /backward_layer\/bias has shape \[3\], expected \[2,3\]; that is reset_after=False/,
    ],
    [
      "a Keras bias of another length",
      () => importWeights("keras", "gru", { ...kerasGRU, bias: tensor([4], [1, 2, 3, 4]) }),
      ShapeError,
      /bias has shape \[4\], expected \[2,3\]$/,
    ],
    [
      "two bias rows in an LSTM",
      () =>
        importWeights("keras", "lstm", {
          kernel: tensor([1, 4], [1, 2, 3, 4]),
          recurrent_kernel: tensor([1, 4], [1, 2, 3, 4]),
          bias: tensor([2, 4], Array(8).keys()),
        }),
      ShapeError,
      /bias has shape \[2,4\], expected \[4\]/,
    ],
    [
      "fewer values than the shape says",
      () => importWeights("onnx", "lstm", { W: tensor([1, 4, 1], [1]), R: W }),
      ShapeError,
      /W has 1 values, its shape \[1,4,1\] needs 4/,
    ],
    [
      "integers",
      () => importWeights("onnx", "lstm", { W: bad({ shape: [1, 4, 1], data: Int32Array.of(1, 2, 3, 4) }), R: W }),
      ShapeError,
      /W is no tensor/,
    ],
    [
      "a projection that widens",
      () =>
        importWeights("pytorch", "lstm", {
          weight_ih_l0: tensor([4, 1], [1, 2, 3, 4]),
          weight_hh_l0: tensor([4, 2], Array(8).keys()),
          weight_hr_l0: tensor([2, 1], [1, 2]),
        }),
      ShapeError,
      /weight_hr is \[2,1\]/,
    ],
    [
      "one PyTorch bias",
      () =>
        importWeights("pytorch", "rnn", {
          weight_ih_l0: tensor([1, 1], [1]),
          weight_hh_l0: tensor([1, 1], [1]),
          bias_ih_l0: tensor([1], [1]),
        }),
      OptionError,
      /there is no bias_hh_l0/,
    ],
    [
      "peepholes to Keras",
      () => exportWeights("keras", "lstm", { ...dict, peephole_o_l0: tensor([1], [1]) }),
      OptionError,
      /keras has no place for peephole_o_l0; it takes weight_ih_l0, weight_hh_l0/,
    ],
    [
      "layer normalisation to ONNX",
      () => exportWeights("onnx", "lstm", { ...dict, norm_weight_i_l0: tensor([1], [1]) }),
      OptionError,
      /onnx has no place for norm_weight_i_l0/,
    ],
    [
      "a projection to ONNX",
      () => exportWeights("onnx", "lstm", { ...dict, weight_hr_l0: tensor([1, 1], [1]) }),
      OptionError,
      /onnx has no place for weight_hr_l0/,
    ],
    [
      "a layer that is not there",
      () => exportWeights("onnx", "lstm", dict, { layer: 1 }),
      OptionError,
      /there is no weight_ih_l1; given are none/,
    ],
    [
      "a path that is not there",
      () => exportWeights("onnx", "lstm", dict, { path: "rnn" }),
      OptionError,
      /there is no rnn\.weight_ih_l0/,
    ],
    [
      "some peepholes",
      () => exportWeights("onnx", "lstm", { ...dict, peephole_o_l0: tensor([1], [1]) }),
      OptionError,
      /there is no peephole_i_l0/,
    ],
    [
      "another cell's rows",
      () => exportWeights("onnx", "gru", dict),
      ShapeError,
      /weight_hh_l0 has shape \[4,1\], expected 3\*H rows/,
    ],
  ])("%s", (_, work, kind, message) => {
    expect(work).toThrow(kind);
    expect(work).toThrow(message);
  });
});
