/**
 * Recurrent layers: options, states, lengths and masks that have no meaning are refused with the reason, and nothing is lost.
 * One table, and so over 400 lines.
 */
import { describe, expect, test } from "vitest";
import * as api from "../../src/node.ts";
import { runtimesForTests } from "../support/backends.ts";
import { only } from "../support/gradient-check.ts";
import { errorOf, expectErrors, type Mistake, mistake, quoted, wrong } from "../support/mistakes.ts";

const { GRU, IndRNN, Linear, LSTM, MGU, MinGRU, MinLSTM, Module, Recurrent, RNN, SLSTM, SRU, adam } = api;
const { LimitError, OptionError, ShapeError } = api;

const sizes = { inputSize: 2, hiddenSize: 4 };
const layers = { LSTM, GRU, RNN, IndRNN, MGU, SRU, SLSTM, MinGRU, MinLSTM, Recurrent };
type Name = keyof typeof layers;
const make = (layer: Name, options: unknown) => new (layers[layer] as new (options: never) => unknown)(wrong(options));

/** A layer with these options besides its sizes; the message begins with the layer's name. */
const refused = (name: string, layer: Name, options: object, says: RegExp): Mistake =>
  mistake(name, OptionError, new RegExp(`^${layer}(?:: | has )${says.source}$`), () =>
    make(layer, { ...sizes, ...options }),
  );

describe("options that another layer has", () => {
  const others = (...but: Name[]) =>
    (["LSTM", "GRU", "RNN", "IndRNN", "MGU", "SRU", "SLSTM"] as const).filter((name) => !but.includes(name));
  const byLayer = /RNN has `nonlinearity`, IndRNN `activation`, LSTM and GRU `activations`/;
  const options: readonly (readonly [option: string, value: unknown, layers: readonly Name[], reason: RegExp])[] = [
    ["projSize", 2, others("LSTM"), /it is LSTM's/],
    ["peepholes", true, others("LSTM"), /it is LSTM's/],
    ["coupledGates", true, others("LSTM"), /it is LSTM's/],
    ["cellClip", 1, others("LSTM"), /it is LSTM's/],
    ["forgetBias", 1, others("LSTM"), /it is LSTM's; elsewhere set the bias in the state dict/],
    ["resetAfter", false, others("GRU"), /it is GRU's/],
    ["nonlinearity", "relu", others("RNN"), byLayer],
    ["activations", {}, others("LSTM", "GRU"), byLayer],
    ["activation", "Relu", others("IndRNN"), byLayer],
    ["layerNorm", true, others("LSTM", "GRU"), /it is LSTM's and GRU's; LayerNorm can stand behind any layer/],
    ["clip", 1, others("LSTM", "GRU", "RNN"), /it is LSTM's, GRU's and RNN's/],
    ["forgetGate", "exponential", others("SLSTM"), /it is SLSTM's/],
    ["cell", "lstm", others(), /the class says which cell it is; new Recurrent\({ cell }\) takes any/],
  ];
  expectErrors(
    options.flatMap(([option, value, names, reason]) =>
      names.map((layer) =>
        refused(
          `${option} of ${layer}`,
          layer,
          { [option]: value },
          new RegExp(`no option "${option}": .*${reason.source}.*; leave it out`),
        ),
      ),
    ),
  );
  expectErrors([
    refused("numHeads of MinGRU", "MinGRU", { numHeads: 2 }, /unknown option "numHeads"; options are inputSize, .*/),
    refused("zoneout of MinLSTM", "MinLSTM", { zoneout: 0.1 }, /unknown option "zoneout"; options are inputSize, .*/),
    refused("projSize of a cell", "Recurrent", { projSize: 2 }, /no option "projSize": it is LSTM's; leave it out/),
    refused(
      "return_sequences",
      "LSTM",
      { return_sequences: true },
      /unknown option "return_sequences"; options are .*/,
    ),
  ]);
});

describe("options that do not go together", () => {
  const two = { bidirectional: true };
  expectErrors([
    refused(
      "heads and a projection",
      "LSTM",
      { numHeads: 2, projSize: 2 },
      /numHeads is 2 with projSize 2: a projection mixes the heads; leave one of them out/,
    ),
    ...(["LSTM", "GRU"] as const).map((layer) =>
      refused(
        `heads and layer normalisation of ${layer}`,
        layer,
        { numHeads: 2, layerNorm: true },
        /numHeads is 2 with the cell ".*layer norm.*", which takes means over all units, .*; leave one of them out/,
      ),
    ),
    ...(["IndRNN", "SRU"] as const).flatMap((layer) => [
      refused(
        `heads without R in ${layer}`,
        layer,
        { numHeads: 3 },
        /numHeads divides R, and the cell ".*" has no R; it is 3, leave it out/,
      ),
      refused(
        `recurrent dropout without R in ${layer}`,
        layer,
        { recurrentDropout: 0.1 },
        /recurrentDropout drops what R reads, and the cell ".*" has no R; it is 0.1, leave it out/,
      ),
    ]),
    refused(
      "heads that do not divide H",
      "GRU",
      { numHeads: 3 },
      /numHeads is 3, which does not divide hiddenSize 4; choose a divisor of 4/,
    ),
    refused(
      "heads that do not divide one H of several",
      "LSTM",
      { hiddenSize: [6, 3, 4, 3], numHeads: 3 },
      /numHeads is 3, which does not divide hiddenSize 4; choose a divisor of 6 and 3 and 4/,
    ),
    refused("more heads than units", "RNN", { numHeads: 8 }, /numHeads is 8, which does not divide hiddenSize 4; .*/),
    ...(["LSTM", "GRU"] as const).map((layer) =>
      refused(
        `layer normalisation over one unit of ${layer}`,
        layer,
        { hiddenSize: [4, 1], layerNorm: true },
        /hiddenSize is 1 with the cell ".*layer norm.*", .* one unit is its own mean; choose at least 2/,
      ),
    ),
    refused(
      "a projection that keeps the size",
      "LSTM",
      { projSize: 4 },
      /projSize is 4, expected less than hiddenSize 4/,
    ),
    refused(
      "a projection larger than one of several",
      "LSTM",
      { hiddenSize: [8, 4], projSize: 5 },
      /projSize is 5, expected less than hiddenSize 4/,
    ),
    refused(
      "a merge of one direction",
      "LSTM",
      { merge: "sum" },
      /merge is "sum", but there is one direction only; set bidirectional, or leave merge out/,
    ),
    refused("even the default merge", "GRU", { merge: "concat" }, /merge is "concat", but .* or leave merge out/),
    refused(
      "layers on outputs that are not merged",
      "LSTM",
      { ...two, merge: "none", numLayers: 2 },
      /merge is "none" with 2 layers: .*; choose another merge, or stack layers yourself/,
    ),
    refused("Keras's name of a merge", "LSTM", { ...two, merge: "ave" }, /merge is "ave", expected .* average, .*/),
    refused(
      "backwards in both directions",
      "GRU",
      { ...two, goBackwards: true },
      /goBackwards with bidirectional: choose one of them/,
    ),
    refused(
      "a residual connection of one layer",
      "LSTM",
      { residual: true },
      /residual .* from the second layer on, and there is one layer; leave it out, or add a layer/,
    ),
    refused(
      "residual connections of layers that differ",
      "LSTM",
      { ...two, hiddenSize: [4, 4, 6], residual: true },
      /residual .* layer 0 gives 8 and layer 2 gives 12; give all layers one hiddenSize, or leave residual out/,
    ),
    refused(
      "residual connections of layers that differ, in one direction",
      "LSTM",
      { hiddenSize: [4, 6], residual: true },
      /residual .* layer 0 gives 4 and layer 1 gives 6; give all layers one hiddenSize, or leave residual out/,
    ),
    ...(["dropout", "variationalDropout"] as const).map((option) =>
      refused(
        `${option} of one layer`,
        "LSTM",
        { [option]: 0.1 },
        new RegExp(`${option} is 0.1, but it acts between layers, .*; put a Dropout behind .*, or .* recurrentDropout`),
      ),
    ),
    refused(
      "dropout of one layer without R",
      "SRU",
      { dropout: 0.1 },
      /dropout is 0.1, but it acts between layers, and there is one; put a Dropout behind the layer/,
    ),
    refused(
      "two kinds of dropout in one place",
      "GRU",
      { numLayers: 2, dropout: 0.1, variationalDropout: 0.2 },
      /dropout is 0.1 and variationalDropout 0.2: they drop the same outputs; choose one of them/,
    ),
    refused("zoneout of no state", "GRU", { zoneout: { c: 0.1 } }, /zoneout names the state "c", this cell has h/),
    refused(
      "zoneout of one of three states",
      "SLSTM",
      { zoneout: { h: 0.1, c: 0.1 } },
      /zoneout of c and n and m is 0.1 and 0 and 0; these states only make sense together, give them one rate/,
    ),
    refused(
      "the start of a bias that is not there",
      "LSTM",
      { bias: false, forgetBias: 1 },
      /forgetBias is 1, which a bias would start with, but bias is false; leave one of them out/,
    ),
    refused(
      "a learned state that must not be negative",
      "SLSTM",
      { learnedInitialState: true },
      /learnedInitialState would learn n as well, which must not become negative; leave it out/,
    ),
    refused(
      "sizes of 2 layers for 3",
      "GRU",
      { hiddenSize: [4, 6], numLayers: 3 },
      /numLayers is 3, but hiddenSize lists 2 layers; leave numLayers out/,
    ),
    refused(
      "dropout of one layer of MinGRU",
      "MinGRU",
      { dropout: 0.1 },
      /dropout acts between layers, .* one layer; it is 0.1, leave it out or add a layer/,
    ),
  ]);
});

describe("activations", () => {
  const gate = (name: string, of: unknown, says: RegExp, more: object = {}) =>
    refused(name, "LSTM", { ...more, activations: { gate: of } }, new RegExp(`activations.gate${says.source}`));
  const two = { bidirectional: true };
  expectErrors([
    gate("Keras's name", "sigmoid", / is "sigmoid", expected one of Sigmoid, Tanh, .*, Affine/),
    gate("parameters without a name", { alpha: 1 }, / is { alpha: 1 }, expected one of Sigmoid, .*/),
    gate("a function", Math.tanh, / is a function, expected one of Sigmoid, .*/),
    gate("nothing", null, / is null, expected an activation; leave it out for the default/),
    gate("a number that JSON does not know", 1n, / is 1, expected one of Sigmoid, .*/),
    gate("alpha of Tanh", { name: "Tanh", alpha: 1 }, /: Tanh takes no parameters, not "alpha"; leave it out/),
    gate("beta of Elu", { name: "Elu", beta: 1 }, /: Elu takes alpha, not "beta"; leave it out/),
    gate("gamma", { name: "Affine", gamma: 1 }, /: Affine takes alpha and beta, not "gamma"; leave it out/),
    gate("alpha null", { name: "Affine", alpha: null }, /: Affine: alpha is null, expected a finite number in .*/),
    gate(
      "beta NaN",
      { name: "ScaledTanh", alpha: 1, beta: Number.NaN },
      /: ScaledTanh: beta is NaN, expected a finite .*/,
    ),
    gate(
      "parameters missing",
      "ScaledTanh",
      /: ScaledTanh without alpha, for which there is no default; give { name: "ScaledTanh", alpha: …, beta: … }/,
    ),
    gate("one of two missing", { name: "ScaledTanh", alpha: 2 }, /: ScaledTanh without beta, for which there is no .*/),
    gate(
      "alpha beyond f32",
      { name: "Affine", alpha: 1e39 },
      /: Affine: alpha is 1e\+39, expected .* \[-3.4\d*e\+38, .*/,
    ),
    gate("a negative slope", { name: "LeakyRelu", alpha: -1 }, /: LeakyRelu: alpha is -1, expected .* in \[0, .*/),
    gate(
      "a scale of 0",
      { name: "ScaledTanh", alpha: 0 },
      /: ScaledTanh: alpha is 0, expected .* in \[1.17\d*e-38, .*/,
    ),
    gate(
      "a pair for one direction",
      ["Tanh", { name: "Elu", alpha: 2 }],
      / has an activation for each direction, \["Tanh", { name: "Elu", alpha: 2 }\], but there is one .* set bidirectional/,
    ),
    gate("three", ["Tanh", "Relu", "Elu"], / is \[.*\], a list of 3; expected one activation, or a pair for .*/, two),
    gate("one in a list", ["Tanh"], / is \["Tanh"\], a list of 1; expected one activation, or a pair for .*/),
    refused(
      "a bad one in a pair",
      "GRU",
      { ...two, activations: { candidate: ["Tanh", "Swish"] } },
      /activations.candidate\[1\] is "Swish", expected one of Sigmoid, .*/,
    ),
    refused(
      "LSTM's name in GRU",
      "GRU",
      { activations: { cell: "Tanh" } },
      /activations has "cell"; there are gate, candidate/,
    ),
    refused(
      "ONNX's list",
      "LSTM",
      { activations: ["Sigmoid", "Tanh", "Tanh"] },
      /activations are \["Sigmoid", "Tanh", "Tanh"\], expected { gate, cell, hidden }/,
    ),
    refused("one for all", "GRU", { activations: "Tanh" }, /activations are "Tanh", expected { gate, candidate }/),
    refused(
      "a nonlinearity that does not exist",
      "RNN",
      { nonlinearity: null },
      /nonlinearity is null, expected "tanh", "relu" or one of Sigmoid, .*/,
    ),
    refused(
      "two nonlinearities for one direction",
      "RNN",
      { nonlinearity: ["Tanh", "Relu"] },
      /nonlinearity has an activation for each direction, \["Tanh", "Relu"\], but .* or set bidirectional/,
    ),
    refused("torch's name in IndRNN", "IndRNN", { activation: "relu" }, /activation is "relu", expected .*, Relu, .*/),
    refused("another forget gate", "SLSTM", { forgetGate: "tanh" }, /forgetGate is "tanh", expected "sigmoid" or .*/),
  ]);
});

describe("values", () => {
  const bad = [-0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null, "0.5", true] as const;
  expectErrors([
    ...(["dropout", "variationalDropout", "recurrentDropout", "zoneout"] as const).flatMap((option) =>
      bad
        .filter((value) => option !== "zoneout" || typeof value === "number")
        .map((value) =>
          refused(
            `${option} ${value}`,
            "LSTM",
            { numLayers: 2, [option]: value },
            new RegExp(`${option} is ${quoted(value)}, expected a rate of at least 0 and below 1`),
          ),
        ),
    ),
    refused("dropout of all", "GRU", { numLayers: 2, dropout: 1 }, /dropout is 1, which leaves nothing; choose .*/),
    ...(["LSTM", "MinLSTM"] as const).map((layer) =>
      refused(
        `dropout that f32 rounds to all in ${layer}`,
        layer,
        { numLayers: 2, dropout: 0.99999999 },
        /dropout is 0.99999999, 1 in f32, which leaves nothing; choose a rate below 1/,
      ),
    ),
    refused("zoneout of c 2", "LSTM", { zoneout: { h: 0, c: 2 } }, /zoneout.c is 2, expected a rate of at least 0 .*/),
    refused("zoneout in a list", "LSTM", { zoneout: [0.1, 0.2] }, /zoneout is \[0.1, 0.2\], .* by state: { h, c }/),
    refused("zoneout null", "GRU", { zoneout: null }, /zoneout is null, expected a rate, or rates by state: { h }/),
    ...(["clip", "cellClip"] as const).flatMap((option) =>
      [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-40, null].map((value) =>
        refused(
          `${option} ${value}`,
          "LSTM",
          { [option]: value },
          new RegExp(
            `${option} is ${value}, expected a number above 0 that f32 can hold, .*; leave it out for no limit`,
          ),
        ),
      ),
    ),
    ...[Number.NaN, 1e39, null].map((value) =>
      refused(
        `forgetBias ${value}`,
        "LSTM",
        { forgetBias: value },
        new RegExp(`forgetBias is ${String(value).replace("+", "\\+")}, expected a finite number in .*`),
      ),
    ),
    ...(["numLayers", "numHeads"] as const).flatMap((option) =>
      [0, 1.5, null].map((value) =>
        refused(
          `${option} ${value}`,
          "GRU",
          { [option]: value },
          new RegExp(`${option} is ${value}, expected a whole number of at least 1`),
        ),
      ),
    ),
    refused("projSize null", "LSTM", { projSize: null }, /projSize is null, expected a whole number of at least 0/),
    refused("a list of no layers", "RNN", { hiddenSize: [] }, /hiddenSize lists no layer, expected at least one size/),
    refused("a layer of no units", "RNN", { hiddenSize: [4, 0] }, /hiddenSize\[1\] is 0, expected a whole number .*/),
    refused("merge NaN", "LSTM", { merge: Number.NaN }, /merge is NaN, expected one of concat, sum, .*/),
    refused("maskedOutput", "LSTM", { maskedOutput: "keep" }, /maskedOutput is "keep", expected one of zero, hold/),
    ...["peepholes", "layerNorm", "residual", "goBackwards", "learnedInitialState"].map((option) =>
      refused(`${option} null`, "LSTM", { [option]: null }, new RegExp(`${option} is null, expected true or false`)),
    ),
    ...(["LSTM", "GRU", "RNN", "IndRNN", "MGU", "SRU", "SLSTM", "MinGRU", "Recurrent"] as const).map((layer) =>
      mistake(
        `no options of ${layer}`,
        OptionError,
        /options are undefined, expected an object with inputSize, hiddenSize, /,
        () => make(layer, undefined),
      ),
    ),
    refused(
      "a definition in place of a cell",
      "Recurrent",
      { cell: { name: "mine", gates: ["a"], states: ["h"], forward() {}, backward() {} } },
      /cell is a plain object, expected what defineCell returns/,
    ),
    refused("a class in place of a cell", "Recurrent", { cell: LSTM }, /cell is a function, expected what .*/),
  ]);

  test("a layer that was refused can be made with other options", () => {
    const activations = { gate: "Softsign" } as const;
    expect(() => new LSTM({ ...sizes, activations, numHeads: 3 })).toThrow(OptionError);
    expect(new LSTM({ ...sizes, activations, numHeads: 2 }).cell).toBe("lstm(f Softsign)");
  });
});

const { onEach, runtimes } = await runtimesForTests();

type Symbols = Readonly<Record<string, api.Tensor>>;
const i32 = (shape: readonly number[], ...data: number[]) => ({ shape, data: Int32Array.from(data) });
const f32 = (...shape: number[]) => {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i));
  return { shape, data };
};

/** A batch's lengths are those of its rows, from 0 to T. */
class Tagger extends Module {
  readonly rnn = new LSTM(sizes);
  readonly head = new Linear({ inFeatures: 4, outFeatures: 2 });
  forward({ tokens, lengths }: { tokens: api.Tensor; lengths: api.Tensor }) {
    return { logits: this.head.forward(this.rnn.forward(tokens, undefined, { lengths }).output) };
  }
}

/** Initial states that are learned, and a state that goes on. */
class Stateful extends Module {
  readonly rnn: api.GRU;
  readonly head: api.Linear;
  constructor(options: Partial<api.GRUOptions>) {
    super();
    this.rnn = new GRU({ ...sizes, ...options });
    this.head = new Linear({ inFeatures: options.bidirectional ? 8 : 4, outFeatures: 2 });
  }
  forward(tokens: api.Tensor, state?: api.GRUState) {
    const { output, state: next } = this.rnn.forward(tokens, state);
    return { logits: this.head.forward(output), state: next };
  }
}

onEach(({ kind }) => {
  const runtime = runtimes[kind];
  const [T, B] = [3, 2];

  describe("shapes", () => {
    /** Traces a layer over inputs of these shapes; those in `whole` hold i32. */
    const trace =
      (
        layer: api.Recurrent,
        shapes: Readonly<Record<string, readonly number[]>>,
        forward: (inputs: Symbols) => { output: api.Tensor },
        whole: readonly string[] = ["lengths", "mask", "tokens"],
      ) =>
      () =>
        runtime.compile(only(layer), {
          inputs: Object.fromEntries(
            Object.entries(shapes).map(([name, shape]) => [
              name,
              { shape, dtype: whole.includes(name) ? "i32" : "f32" } as const,
            ]),
          ),
          forward: (inputs) => ({ y: forward(inputs).output }),
        });
    const lstm = new LSTM({ ...sizes, bidirectional: true });
    const gru = new GRU(sizes);
    const projected = new LSTM({ ...sizes, projSize: 3 });
    const uneven = new LSTM({ ...sizes, hiddenSize: [4, 6] });
    const first = new GRU({ ...sizes, batchFirst: true });
    const x = [T, B, 2];
    const state =
      (layer: api.Recurrent, shapes: Readonly<Record<string, readonly number[]>>, of: (inputs: Symbols) => unknown) =>
      () =>
        trace(layer, { x, ...shapes }, (inputs) => layer.forward(inputs.x!, wrong(of(inputs))))();
    const real = (layer: api.Recurrent, shapes: Readonly<Record<string, readonly number[]>>, whole?: string[]) =>
      trace(layer, { x, ...shapes }, ({ x: rows, ...steps }) => layer.forward(rows!, undefined, steps), whole);
    const run = (layer: api.Recurrent, shapes: Readonly<Record<string, readonly number[]>>) =>
      trace(layer, shapes, ({ x: rows, tokens }) => layer.forward((rows ?? tokens)!));
    expectErrors([
      mistake(
        "x of 2 axes",
        ShapeError,
        /^GRU "part": x has shape \[6,2\], expected \[T,B,2\] \(inputSize 2\)$/,
        run(gru, { x: [6, 2] }),
      ),
      mistake(
        "x of 4 axes",
        ShapeError,
        /^GRU "part": x has shape \[3,1,2,2\], expected \[T,B,2\]/,
        run(gru, { x: [3, 1, 2, 2] }),
      ),
      mistake(
        "x of another size",
        ShapeError,
        /^LSTM "part": x has shape \[3,2,4\], expected \[T,B,2\]/,
        run(lstm, { x: [T, B, 4] }),
      ),
      mistake(
        "x of another size, batch first",
        ShapeError,
        /x has shape \[2,3,3\], expected \[B,T,2\] \(inputSize 2\)/,
        run(first, { x: [B, T, 3] }),
      ),
      mistake(
        "tokens of 3 axes",
        ShapeError,
        /x has shape \[3,2,2\], expected i32 tokens \[T,B\] below 2/,
        run(gru, { tokens: x }),
      ),
      mistake(
        "tokens, batch first",
        ShapeError,
        /x are tokens, which are \[T,B\] only; leave batchFirst out, or use an/,
        run(first, { tokens: [B, T] }),
      ),
      mistake(
        "a state of PyTorch's kind",
        ShapeError,
        /^GRU "part": state is one tensor \[1,2,4\], expected { h }, each a tensor \[1,2,4\]$/,
        state(gru, { h: [1, B, 4] }, ({ h }) => h),
      ),
      mistake(
        "two states in a list",
        ShapeError,
        /^LSTM "part": state is a list of 2, expected { h, c }, each a tensor \[2,2,4\]$/,
        state(lstm, { h: [2, B, 4] }, ({ h }) => [h, h]),
      ),
      mistake(
        "no state",
        ShapeError,
        /^GRU "part": state is null, expected { h }/,
        state(gru, {}, () => null),
      ),
      mistake(
        "an empty state",
        ShapeError,
        /state has nothing, expected { h, c }/,
        state(lstm, {}, () => ({})),
      ),
      mistake(
        "half a state",
        ShapeError,
        /state has h, expected { h, c }, h a tensor \[1,2,3\] and c a tensor \[1,2,4\]$/,
        state(projected, { h: [1, B, 3] }, ({ h }) => ({ h })),
      ),
      mistake(
        "half a state of layers that differ",
        ShapeError,
        /state has c, expected { h, c }, each a list of 2 tensors \[1,2,4\], \[1,2,6\]$/,
        state(uneven, { c: [1, B, 4] }, ({ c }) => ({ c: [c] })),
      ),
      mistake(
        "a state of another cell",
        ShapeError,
        /state has h, c, expected { h }, each a tensor \[1,2,4\]$/,
        state(gru, { h: [1, B, 4] }, ({ h }) => ({ h, c: h })),
      ),
      mistake(
        "a state of one direction",
        ShapeError,
        /state.h has shape \[1,2,4\], expected \[L\*D,B,H\] = \[2,2,4\]/,
        state(lstm, { h: [1, B, 4] }, ({ h }) => ({ h, c: h })),
      ),
      mistake(
        "a state of other rows",
        ShapeError,
        /state.h has shape \[1,3,4\], expected \[L\*D,B,H\] = \[1,2,4\]/,
        state(gru, { h: [1, 3, 4] }, ({ h }) => ({ h })),
      ),
      mistake(
        "h of the size of c",
        ShapeError,
        /state.h has shape \[1,2,4\], expected \[L\*D,B,H\] = \[1,2,3\]/,
        state(projected, { h: [1, B, 4] }, ({ h }) => ({ h, c: h })),
      ),
      mistake(
        "a state of tokens",
        ShapeError,
        /state.h holds i32, expected f32 \[L\*D,B,H\] = \[1,2,4\]/,
        state(gru, { mask: [1, B, 4] }, ({ mask }) => ({ h: mask })),
      ),
      mistake(
        "a state of numbers",
        ShapeError,
        /state.h is { shape: \[1, 2, 4\], data: a Float32Array }, expected a symbolic tensor \[L\*D,B,H\]/,
        state(gru, {}, () => ({ h: f32(1, B, 4) })),
      ),
      mistake(
        "one tensor for layers that differ",
        ShapeError,
        /state.h is one tensor \[2,2,4\], expected a list of 2 tensors \[1,2,4\], \[1,2,6\]: layers have different sizes$/,
        state(uneven, { h: [2, B, 4] }, ({ h }) => ({ h, c: h })),
      ),
      mistake(
        "a state of one of two layers",
        ShapeError,
        /state.h is a list of 1, expected a list of 2 tensors/,
        state(uneven, { h: [1, B, 4] }, ({ h }) => ({ h: [h], c: [h] })),
      ),
      mistake(
        "the first layer's state in the second",
        ShapeError,
        /state.h\[1\] has shape \[1,2,4\], expected \[D,B,H\] = \[1,2,6\]/,
        state(uneven, { h: [1, B, 4] }, ({ h }) => ({ h: [h, h], c: [h, h] })),
      ),
      mistake(
        "lengths of another batch",
        ShapeError,
        /^LSTM "part": lengths has shape \[3\], expected \[B\] = \[2\]$/,
        real(lstm, { lengths: [3] }),
      ),
      mistake(
        "lengths with a fraction",
        ShapeError,
        /lengths holds f32, expected i32 \[B\] = \[2\]/,
        real(lstm, { lengths: [B] }, []),
      ),
      mistake(
        "a mask of batch first",
        ShapeError,
        /mask has shape \[2,3\], expected \[T,B\] = \[3,2\]/,
        real(gru, { mask: [B, T] }),
      ),
      mistake(
        "a mask of time first",
        ShapeError,
        /mask has shape \[3,2\], expected \[B,T\] = \[2,3\]/,
        trace(first, { x: [B, T, 2], mask: [T, B] }, (i) => first.forward(i.x!, undefined, { mask: i.mask! })),
      ),
      mistake(
        "a mask of numbers",
        ShapeError,
        /mask holds f32, expected i32 \[T,B\] = \[3,2\]/,
        real(gru, { mask: [T, B] }, []),
      ),
      mistake(
        "lengths by another name",
        OptionError,
        /unknown option "length"; options are lengths, mask/,
        real(gru, { length: [B] }, ["length"]),
      ),
      ...(["LSTM", "GRU"] as const).map((layer) =>
        mistake(
          `a row of ${layer} that no workgroup holds`,
          LimitError,
          /: hiddenSize 1028 .* at most 1024 fit into a workgroup; choose a smaller hiddenSize/,
          () => {
            const large = make(layer, { ...sizes, hiddenSize: 1028, layerNorm: true }) as api.Recurrent;
            return run(large, { x })();
          },
        ),
      ),
    ]);

    test("a layer whose call was refused runs when it is called well", async () => {
      const part = new GRU(sizes);
      expect(await errorOf(state(part, { h: [1, 3, 4] }, ({ h }) => ({ h })))).toBeInstanceOf(ShapeError);
      const program = await trace(part, { x, h: [1, B, 4] }, (i) => part.forward(i.x!, { h: i.h! }))();
      const { y } = await program.run({ x: f32(T, B, 2), h: f32(1, B, 4) });
      expect(y!.data.every((value) => value !== 0 && Math.abs(value) < 1)).toBe(true);
      program.dispose();
    });
  });

  describe("numbers", () => {
    const layer = new LSTM(sizes);
    const turned = new LSTM({ ...sizes, batchFirst: true });
    const compile = (of: api.LSTM, sequence: readonly number[], steps: readonly number[]) =>
      runtime.compile(only(of), {
        inputs: {
          x: { shape: [...sequence, 2] },
          lengths: { shape: [B], dtype: "i32" },
          mask: { shape: steps, dtype: "i32" },
        },
        forward: ({ x, ...real }) => ({ y: of.forward(x!, undefined, real).output }),
      });
    const good = { x: f32(T, B, 2), lengths: i32([B], 3, 2), mask: i32([T, B], 1, 1, 0, 1, 1, 0) };
    const compiled = runtime && compile(layer, [T, B], [T, B]);
    const compiledFirst = runtime && compile(turned, [B, T], [B, T]);
    const run = (change: object) => async () => (await compiled).run({ ...good, ...change });
    const mask = (...data: number[]) => run({ mask: i32([T, B], ...data) });
    const lengths = (...data: number[]) => run({ lengths: i32([B], ...data) });
    const steps = "a length counts the real steps of a sequence, at most its T$";
    expectErrors([
      mistake(
        "a length above T",
        api.DataError,
        new RegExp(`^lengths\\[0\\] is length 4, a sequence of 3 steps takes lengths 0 to 3; ${steps}`),
        lengths(4, 2),
      ),
      mistake(
        "a negative length",
        api.DataError,
        new RegExp(`^lengths\\[1\\] is length -1, a sequence of 3 steps takes lengths 0 to 3; ${steps}`),
        lengths(3, -1),
      ),
      mistake(
        "lengths as floats",
        ShapeError,
        /^input "lengths" holds f32, expected i32 \(an Int32Array\)$/,
        run({ lengths: f32(B) }),
      ),
      mistake(
        "lengths of another shape",
        ShapeError,
        /^input "lengths" has shape \[3\], expected \[2\]$/,
        run({ lengths: i32([3], 3, 2, 1) }),
      ),
      mistake("too few lengths", ShapeError, /^input "lengths" has 1 values, but shape \[2\] needs 2$/, lengths(3)),
      mistake(
        "no lengths",
        ShapeError,
        /^input "lengths" is missing: expected { shape, data }/,
        run({ lengths: undefined }),
      ),
      mistake(
        "a mask of 2",
        api.DataError,
        /^mask\[2\] is mask entry 2, "mask" takes mask entries 0 to 1; 1 is a real step, 0 one/,
        mask(1, 1, 2, 1, 1, 0),
      ),
      mistake(
        "a mask of -1",
        api.DataError,
        /^mask\[5\] is mask entry -1, "mask" takes mask entries 0 to 1; 1 is a real step/,
        mask(1, 1, 1, 1, 1, -1),
      ),
      mistake("a mask as floats", ShapeError, /^input "mask" holds f32, expected i32/, run({ mask: f32(T, B) })),
      mistake(
        "a mask the other way round",
        ShapeError,
        /^input "mask" has shape \[2,3\], expected \[3,2\]$/,
        run({ mask: i32([B, T], 1, 1, 1, 1, 1, 0) }),
      ),
      mistake(
        "a mask that goes on behind a length",
        api.DataError,
        /^mask\[5\] is 1, a real step: step 2 of sequence 1, but lengths\[1\] is 2; give only one of the two, or set the mask to 0 beyond each length$/,
        mask(1, 1, 1, 1, 1, 1),
      ),
      mistake(
        "the same, batch first",
        api.DataError,
        /^mask\[1\] is 1, a real step: step 1 of sequence 0, but lengths\[0\] is 1; give only one/,
        async () =>
          (await compiledFirst).run({ x: f32(B, T, 2), lengths: i32([B], 1, 3), mask: i32([B, T], 1, 1, 0, 1, 1, 1) }),
      ),
    ]);

    test("a program that refused its inputs gives the same as before", async () => {
      const program = await compiled;
      const before = await program.run(good);
      for (const bad of [lengths(4, 2), mask(1, 1, 2, 1, 1, 0), mask(1, 1, 1, 1, 1, 1)])
        expect(await errorOf(bad)).toBeInstanceOf(api.DataError);
      expect(await program.run(good)).toEqual(before);
    });

    const target = i32([T, B], 0, 1, 0, 1, 0, 1);
    const batch = (...ends: number[]) => ({
      x: { tokens: i32([T, B], 0, 1, 1, 0, 1, 0), lengths: i32([B], ...ends) },
      target,
    });
    test("a batch with a length above T leaves the weights as they are, and training goes on", async () => {
      const model = new Tagger();
      const trainer = runtime.trainer(model, { optimizer: adam() });
      const taken: number[] = [];
      const train = async (...batches: api.AnyBatch[]) => {
        for await (const { step } of trainer.fit(batches)) taken.push(step);
      };
      await train(batch(3, 2));
      const weights = await runtime.stateDict(model);
      const error = await errorOf(() => train(batch(3, 4)));
      expect(error).toBeInstanceOf(api.DataError);
      expect((error as Error).message).toBe(
        "x.lengths[1] is length 4, a sequence of 3 steps takes lengths 0 to 3; a length counts the real steps of a sequence, at most its T",
      );
      expect(await runtime.stateDict(model)).toEqual(weights);
      await train(batch(3, 0));
      expect(taken).toEqual([1, 2]);
      trainer.dispose();
    });

    const tokens: api.Batch = { x: batch().x.tokens, target };
    const learned = { learnedInitialState: true };
    const says =
      /^the state h begins with learned values, and a state that goes on .* begins with zeros; set carryState: false$/;
    expectErrors([
      mistake("learned initial states with a state that is carried", OptionError, says, () =>
        runtime.trainer(new Stateful(learned), { optimizer: adam(), carryState: true }).fit([tokens]),
      ),
      mistake("the same to measure", OptionError, says, () =>
        runtime.evaluate(new Stateful(learned), [{ ...tokens, resetState: true }]),
      ),
      ...[{ bidirectional: true }, { goBackwards: true, hiddenSize: [3, 4] }].flatMap((options) => [
        mistake(
          `a state that is carried, with ${Object.keys(options)[0]}`,
          OptionError,
          /^the state h(\.0)? is of a layer that runs from the end .* does not go on from there; set carryState: false$/,
          () => runtime.trainer(new Stateful(options), { optimizer: adam(), carryState: true }).fit([tokens]),
        ),
        mistake(
          `text generated with ${Object.keys(options)[0]}`,
          OptionError,
          /^generate: the state h(\.0)? is of a layer that runs from the end .* not have yet; use layers of one direction$/,
          () => runtime.generate(new Stateful(options), { prompt: [1], length: 2 }),
        ),
      ]),
    ]);

    test("without its state carried, a layer of two directions is trained", async () => {
      const trainer = runtime.trainer(new Stateful({ bidirectional: true }), { optimizer: adam(), carryState: false });
      for await (const { loss } of trainer.fit([tokens])) expect(loss).toBeGreaterThan(0);
      trainer.dispose();
    });
  });
});
