/** Gradients of every option of the recurrent layers. */
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, testGradients } from "../support/gradient-check.ts";
import { layerCase as of } from "../support/recurrent-case.ts";

const backends = await backendsForTests();

const lengths = [2, 4, 1];
const holes = [1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1];

const cases: GradientCase[] = [
  of("lstm", "with lengths", {}, { lengths, initial: true }),
  of(
    "gru",
    "with lengths, both directions, two layers",
    { bidirectional: true, numLayers: 2, hiddenSize: 3 },
    { lengths },
  ),
  of("rnn", "with a mask with holes, held outputs", { maskedOutput: "hold" }, { mask: holes, initial: true }),
  of(
    "lstm",
    "with a mask with holes, both directions",
    { bidirectional: true, hiddenSize: 3 },
    { mask: holes, initial: true },
  ),
  of("gru", "going backwards", { goBackwards: true }, { initial: true, lengths }),
  of("lstm", "going backwards, two layers", { goBackwards: true, numLayers: 2, hiddenSize: 3 }, { initial: true }),
  of("lstm", "with a projection", { projSize: 2 }, { initial: true }),
  of(
    "lstm",
    "with a projection, both directions, two layers, lengths",
    { projSize: 3, bidirectional: true, numLayers: 2 },
    { initial: true, lengths },
  ),
  of(
    "lstm",
    "with a projection, peepholes, layer norm",
    { projSize: 3, peepholes: true, layerNorm: true },
    { initial: true },
  ),
  of("lstm", "with peepholes", { peepholes: true }, { initial: true }),
  of("lstm", "with coupled gates", { coupledGates: true }, { initial: true }),
  of(
    "lstm",
    "with coupled gates and peepholes, both directions",
    { coupledGates: true, peepholes: true, bidirectional: true, hiddenSize: 3 },
    { initial: true },
  ),
  of("lstm", "with clips", { clip: 0.3, cellClip: 0.2 }, { initial: true }),
  of("gru", "with a clip", { clip: 0.3 }, { initial: true }),
  of("rnn", "with a clip", { clip: 0.3 }, { initial: true }),
  of("lstm", "with layer norm", { layerNorm: true }, { initial: true }),
  of(
    "gru",
    "with layer norm, both directions",
    { layerNorm: true, bidirectional: true, hiddenSize: 3 },
    { initial: true, lengths },
  ),
  of("gru", "reset before", { resetAfter: false }, { initial: true }),
  of(
    "gru",
    "reset before, both directions, lengths",
    { resetAfter: false, bidirectional: true, hiddenSize: 3 },
    { initial: true, lengths },
  ),
  of("gru", "reset before with layer norm", { resetAfter: false, layerNorm: true }, { initial: true }),
  of(
    "lstm",
    "with other activations",
    { activations: { gate: "HardSigmoid", cell: "Softsign", hidden: { name: "ScaledTanh", alpha: 1.5, beta: 0.7 } } },
    { initial: true },
  ),
  of(
    "gru",
    "with other activations by direction",
    {
      bidirectional: true,
      hiddenSize: 3,
      activations: {
        gate: ["LeakyRelu", "Softplus"],
        candidate: [
          { name: "Elu", alpha: 0.7 },
          { name: "Affine", alpha: 0.9, beta: 0.1 },
        ],
      },
    },
    { initial: true },
  ),
  of("rnn", "with a thresholded rectifier", { nonlinearity: { name: "ThresholdedRelu", alpha: 0.1 } }),
  of("rnn", "with a learned initial state, both directions", {
    learnedInitialState: true,
    bidirectional: true,
    hiddenSize: 3,
  }),
  of("lstm", "with a learned initial state, two layers of different sizes", {
    learnedInitialState: true,
    hiddenSize: [4, 3],
  }),
  of("gru", "with heads", { numHeads: 2, hiddenSize: 6 }, { initial: true }),
  of(
    "lstm",
    "with heads of odd sizes, both directions",
    { numHeads: 3, hiddenSize: 9, bidirectional: true },
    { initial: true, T: 3, B: 2 },
  ),
  of("gru", "reset before with heads", { numHeads: 2, hiddenSize: 6, resetAfter: false }, { initial: true }),
  of("rnn", "with a rectifier and a clip that cuts nothing", { nonlinearity: "relu", clip: 1e6 }),
  of("rnn", "with a softplus and a clip that cuts nothing", { nonlinearity: "Softplus", clip: 1e5 }),
  of("rnn", "with an elu of alpha 0", { nonlinearity: { name: "Elu", alpha: 0 } }),
  of("gru", "with leaky rectifiers of alpha 0", {
    activations: { gate: { name: "LeakyRelu", alpha: 0 }, candidate: { name: "LeakyRelu", alpha: 0 } },
  }),
  of("lstm", "with dropout between layers", { numLayers: 2, dropout: 0.4 }, { training: 7 }),
  of("gru", "with variational dropout between layers", { numLayers: 2, variationalDropout: 0.4 }, { training: 8 }),
  of(
    "lstm",
    "with recurrent dropout",
    { recurrentDropout: 0.4, bidirectional: true, hiddenSize: 4 },
    { training: 9, initial: true },
  ),
  of(
    "gru",
    "reset before with recurrent dropout",
    { recurrentDropout: 0.4, resetAfter: false },
    { training: 9, initial: true },
  ),
  of(
    "lstm",
    "with recurrent dropout and a projection",
    { recurrentDropout: 0.4, projSize: 4 },
    { training: 11, initial: true },
  ),
  of("lstm", "with zoneout", { zoneout: { h: 0.3, c: 0.5 } }, { training: 10, initial: true, lengths }),
  of("lstm", "with zoneout, expected", { zoneout: { h: 0.3, c: 0.5 } }, { initial: true }),
  of("lstm", "with zoneout and a projection", { zoneout: 0.4, projSize: 3 }, { training: 12, initial: true }),
  of("gru", "with residual connections", { residual: true, numLayers: 3, hiddenSize: 3 }),
  of("lstm", "of different sizes", { hiddenSize: [4, 2] }),
  ...(["sum", "average", "product", "none"] as const).map((merge) =>
    of("rnn", `merged by ${merge}`, { merge, bidirectional: true, batchFirst: true, hiddenSize: 3 }),
  ),
  of("gru", "merged by sum in two layers", { merge: "sum", bidirectional: true, numLayers: 2, hiddenSize: 3 }),
  of("lstm", "of tokens", { inputSize: 7 }, { tokens: true }),
  of(
    "gru",
    "of tokens, both directions, two layers",
    { inputSize: 5, bidirectional: true, numLayers: 2, hiddenSize: 3 },
    { tokens: true, lengths },
  ),
];

testGradients(backends, { cases, sampled: true });
