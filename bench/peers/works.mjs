// What is measured, with the numbers that every contender is given.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Work
 * @property {string} name
 * @property {"forward" | "training" | "character training" | "session" | "stream" | "generation" | "product" | "onnx model" | "first step" | "layer forward" | "layer training"} kind
 * @property {number} [flops] of one unit, as far as products go
 * Sizes: B, T, I, H, E (embedding), V (vocabulary), N (of a square matrix), length, layers, heads.
 */

/** Multiplications and additions of an LSTM or GRU over a sequence. */
const layerFlops = ({ T, B, I, H }, gates) => 2 * T * B * gates * H * (I + H);

const forward = (cell, H, B) => {
  const sizes = { T: 64, B, I: H, H };
  const flops = layerFlops(sizes, cell === "lstm" ? 4 : 3);
  return { name: `forward of ${cell}, T 64, B ${B}, I and H ${H}`, kind: "forward", cell, ...sizes, flops };
};

/** The next frame from those before it. */
const training = (B, T, I, H) => {
  const flops = 3 * layerFlops({ T, B, I, H }, 4) - 2 * T * B * 4 * H * I + 3 * 2 * T * B * H * I;
  const name = `training step of lstm and head, B ${B}, T ${T}, I ${I}, H ${H}`;
  return { name, kind: "training", B, T, I, H, flops };
};

const characterTraining = (B, T, E, H, V) => {
  const flops = 3 * layerFlops({ T, B, I: E, H }, 4) + 3 * 2 * T * B * H * V;
  const name = `training step of the character model, B ${B}, T ${T}, E ${E}, H ${H}, V ${V}`;
  return { name, kind: "character training", B, T, E, H, V, flops };
};

/** A call of a published model, which lies in `shared/models` beside the repository; its state is fed back. */
const publishedModel = (file, flops, model) => ({
  name: `call of ${file}`,
  kind: "onnx model",
  file: fileURLToPath(new URL(`../../../shared/models/${file}`, import.meta.url)),
  constants: {},
  flops,
  ...model,
});
const dtlnState = [1, 2, 128, 2];
const publishedModels = [
  publishedModel("dtln_1.onnx", 2 * (512 * (257 + 128) + 512 * 256 + 128 * 257), {
    x: { name: "input_2", shape: [1, 1, 257] },
    state: { input: "input_3", output: "tf_op_layer_stack_2", shape: dtlnState },
    output: "activation_2",
  }),
  publishedModel("dtln_2.onnx", 2 * (2 * 512 * 256 + 512 * (256 + 128) + 512 * 256 + 128 * 256), {
    x: { name: "input_4", shape: [1, 1, 512] },
    state: { input: "input_5", output: "tf_op_layer_stack_5", shape: dtlnState },
    output: "conv1d_3",
  }),
  // Four windows of 256; convolutions over 4, 2, 1 and 1 places.
  publishedModel(
    "silero_vad_16k_op15.onnx",
    2 * (4 * 256 * 258 + 4 * 128 * 129 * 3 + 2 * 64 * 128 * 3 + 64 * 64 * 3 + 128 * 64 * 3 + 512 * 256),
    {
      x: { name: "input", shape: [1, 576] },
      state: { input: "state", output: "stateN", shape: [2, 1, 128] },
      output: "output",
      constants: { sr: 16000 },
    },
  ),
].filter(({ file }) => existsSync(file));

const forwards = ["lstm", "gru"].flatMap((cell) => [
  forward(cell, 128, 1),
  forward(cell, 128, 32),
  forward(cell, 512, 1),
]);
const sessionStep = { kind: "session", I: 128, H: 128, flops: 2 * 4 * 128 * 256 };
const generation = {
  name: "1000 characters generated, E 64, H 128, V 96",
  kind: "generation",
  length: 1000,
  E: 64,
  H: 128,
  V: 96,
  flops: 1000 * (2 * 4 * 128 * 192 + 2 * 128 * 96),
};

/** Others have one bias in a gate: the second one is held, so that all learn alike. */
const withOneBias = (work) => ({ ...work, frozen: "rnn.bias_hh_l0" });
/** From the start of a process until the loss of its first training step is there. */
const firstStep = (name, environment) => ({
  name: `first training step of a process, ${name}`,
  kind: "first step",
  training: withOneBias(training(16, 32, 64, 128)),
  environment,
});

/** A whole recurrent network, forward or forward, backward and a step of gradient descent; what goes in stays on the device. */
function layerWorks([B, T, H, { layers = 1, heads = 1 } = {}], most) {
  const steps = Math.min(T, most);
  const name = `(B,T,H) = (${B},${steps},${H})${layers > 1 ? `, ${layers} layers` : ""}${heads > 1 ? `, ${heads} heads` : ""}`;
  const flops = layers * 2 * steps * B * 4 * H * (H + H / heads);
  const sizes = { B, T: steps, I: H, H, layers, heads, steps };
  // The mean of T·B·H squares has small gradients: with this rate the loss falls by some percent in a step.
  const lr = H;
  return [
    { name: `forward of ${name}`, kind: "layer forward", ...sizes, flops },
    // Nothing is passed on to the input.
    { name: `training of ${name}`, kind: "layer training", ...sizes, lr, flops: 3 * flops - inputGradient(sizes) },
  ];
}
/** The product that gives the gradient by the input of the first layer. */
const inputGradient = ({ T, B, H }) => 2 * T * B * 4 * H * H;

const layerShapes = [
  [1, 1024, 64],
  [16, 1024, 64],
  [16, 1024, 128],
  [1, 1024, 256],
  [16, 1024, 256],
  [64, 100, 512, { layers: 4 }],
  [16, 1024, 768],
  [16, 1024, 768, { heads: 12 }],
  [64, 512, 1024],
];

/**
 * What each comparison is made of.
 * @type {Readonly<Record<string, (options: { steps: number }) => readonly Work[]>>}
 */
export const works = {
  cpu: () => [
    ...forwards,
    training(16, 32, 64, 128),
    training(64, 64, 128, 256),
    characterTraining(32, 64, 64, 128, 96),
    { name: "session step of lstm, B 1, I and H 128", ...sessionStep },
    generation,
    ...publishedModels,
    ...[512, 1024].map((N) => ({ name: `product ${N}x${N}x${N}`, kind: "product", N, flops: 2 * N ** 3 })),
  ],
  webgpu: () => [
    withOneBias(training(16, 32, 64, 128)),
    withOneBias(training(64, 64, 128, 256)),
    ...forwards,
    { name: "streamed step of lstm, B 1, I and H 128, not read", ...sessionStep, kind: "stream" },
    { name: "streamed step of lstm, B 1, I and H 128, read", ...sessionStep },
    generation,
    firstStep("warm shader cache", {}),
    firstStep("empty shader cache", { MESA_SHADER_CACHE_DISABLE: "true" }),
  ],
  pytorch: ({ steps }) => layerShapes.flatMap((shape) => layerWorks(shape, steps)),
};

/** Numbers between -scale and scale that look like noise, the same on every machine. */
function noise(shape, scale, phase) {
  const length = shape.reduce((product, size) => product * size, 1);
  const at = (i) => Math.sin(i * 12.9898 + phase * 78.233) * 43758.5453;
  return { shape, data: Float32Array.from({ length }, (_, i) => scale * (2 * (at(i) - Math.floor(at(i))) - 1)) };
}

const tokensOf = (T, B, V, phase) => ({
  shape: [T, B],
  data: Int32Array.from({ length: T * B }, (_, i) => (i * i + (7 + phase) * i + phase) % V),
});

/** PyTorch's names and ranges. */
function layer(gates, I, H, path = "") {
  const scale = 1 / Math.sqrt(H);
  return {
    [`${path}weight_ih_l0`]: noise([gates * H, I], scale, 1),
    [`${path}weight_hh_l0`]: noise([gates * H, H], scale, 2),
    [`${path}bias_ih_l0`]: noise([gates * H], scale, 3),
    [`${path}bias_hh_l0`]: noise([gates * H], scale, 4),
  };
}

/** Layer n of several; with heads R is the blocks on its diagonal. */
const layerOf = ({ H, heads }, n) => {
  const { weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 } = layer(4, H, H);
  const blocks = { shape: [4 * H, H / heads], data: weight_hh_l0.data.slice(0, (4 * H * H) / heads) };
  return {
    [`rnn.weight_ih_l${n}`]: weight_ih_l0,
    [`rnn.weight_hh_l${n}`]: heads > 1 ? blocks : weight_hh_l0,
    [`rnn.bias_ih_l${n}`]: bias_ih_l0,
    [`rnn.bias_hh_l${n}`]: bias_hh_l0,
  };
};

const linear = (I, O, path) => ({
  [`${path}weight`]: noise([O, I], 1 / Math.sqrt(I), 5),
  [`${path}bias`]: noise([O], 1 / Math.sqrt(I), 6),
});

const characterModel = ({ E, H, V }) => ({
  "embedding.weight": noise([V, E], 1, 7),
  ...layer(4, E, H, "rnn."),
  ...linear(H, V, "head."),
});

const frames = (T, B, I, phase) => noise([T, B, I], 1, phase);

/** Steps whose outputs are compared, of works that go on from step to step. */
export const COMPARED_STEPS = 4;

/**
 * Weights by PyTorch's names, and what the work is done on.
 * @param {Work} work
 */
export function numbersOf(work) {
  const { kind, T, B, I, H, V, N } = work;
  switch (kind) {
    case "forward":
      return { weights: layer(work.cell === "lstm" ? 4 : 3, I, H), given: { x: frames(T, B, I, 8) } };
    case "training":
      return {
        weights: { ...layer(4, I, H, "rnn."), ...linear(H, I, "head.") },
        given: { x: frames(T, B, I, 8), target: frames(T, B, I, 9) },
      };
    case "character training":
      return { weights: characterModel(work), given: { x: tokensOf(T, B, V, 0), target: tokensOf(T, B, V, 1) } };
    case "session":
    case "stream":
      return { weights: layer(4, I, H), given: { x: frames(COMPARED_STEPS, 1, I, 8) } };
    case "generation":
      return { weights: characterModel(work), given: {} };
    case "onnx model":
      return { weights: {}, given: { x: noise([COMPARED_STEPS, ...work.x.shape], 1, 8) } };
    case "first step":
      return numbersOf(work.training);
    case "layer forward":
    case "layer training":
      return {
        weights: Object.assign({}, ...Array.from({ length: work.layers }, (_, n) => layerOf(work, n))),
        given: { x: frames(T, B, H, 8), target: frames(T, B, H, 9) },
      };
    case "product":
      return { weights: {}, given: { a: noise([N, N], 1, 10), b: noise([N, N], 1, 11) } };
    default:
      throw new Error(`no numbers for ${kind}`);
  }
}
