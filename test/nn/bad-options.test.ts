/** Options and sizes that are refused before there is a backend. */
import { describe } from "vitest";
import * as api from "../../src/node.ts";
import { expectErrors, mistake, quoted, wrong } from "../support/mistakes.ts";

const { CharModel, Embedding, GRU, Linear, LSTM, RNN, Runtime, adam, sgd } = api;

describe("options and sizes", () => {
  const bad = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "4"] as const;
  const modules: readonly (readonly [name: string, make: (size: number) => unknown])[] = [
    ["LSTM: inputSize", (inputSize) => new LSTM({ inputSize, hiddenSize: 2 })],
    ["LSTM: hiddenSize", (hiddenSize) => new LSTM({ inputSize: 2, hiddenSize })],
    ["GRU: numLayers", (numLayers) => new GRU({ inputSize: 2, hiddenSize: 2, numLayers })],
    ["RNN: hiddenSize", (hiddenSize) => new RNN({ inputSize: 2, hiddenSize })],
    ["Linear: inFeatures", (inFeatures) => new Linear({ inFeatures, outFeatures: 2 })],
    ["Linear: outFeatures", (outFeatures) => new Linear({ inFeatures: 2, outFeatures })],
    ["Embedding: numEmbeddings", (numEmbeddings) => new Embedding({ numEmbeddings, embeddingDim: 2 })],
    ["Embedding: embeddingDim", (embeddingDim) => new Embedding({ numEmbeddings: 2, embeddingDim })],
    ["CharModel: vocabSize", (vocabSize) => new CharModel({ vocabSize })],
    ["LSTM: hiddenSize", (hiddenSize) => new CharModel({ vocabSize: 3, hiddenSize })],
  ];
  expectErrors(
    modules.flatMap(([name, make]) =>
      bad.map((size) =>
        mistake(
          `${name} ${String(size)}`,
          api.OptionError,
          new RegExp(`^${name} is ${quoted(size)}, expected a whole number of at least 1$`),
          () => make(wrong(size)),
        ),
      ),
    ),
  );

  const sizes = { inputSize: 2, hiddenSize: 2 };
  expectErrors([
    mistake(
      "a typing mistake in LSTM",
      api.OptionError,
      /LSTM: unknown option "hidenSize"; options are inputSize, hiddenSize, numLayers/,
      () => new LSTM(wrong({ inputSize: 2, hidenSize: 2 })),
    ),
    mistake(
      "an option of PyTorch by PyTorch's name",
      api.OptionError,
      /GRU: unknown option "hidden_size" \(did you mean hiddenSize\?\); options are inputSize, hiddenSize/,
      () => new GRU(wrong({ ...sizes, hidden_size: 2 })),
    ),
    mistake(
      "a switch of another type",
      api.OptionError,
      /LSTM: bidirectional is 1, expected true or false/,
      () => new LSTM(wrong({ ...sizes, bidirectional: 1 })),
    ),
    mistake(
      "a bias of another type",
      api.OptionError,
      /Linear: bias is "no", expected true or false/,
      () => new Linear(wrong({ inFeatures: 1, outFeatures: 1, bias: "no" })),
    ),
    mistake(
      "another nonlinearity",
      api.OptionError,
      /RNN: nonlinearity is "sigmoid", expected "tanh", "relu" or one of Sigmoid, Tanh/,
      () => new RNN(wrong({ ...sizes, nonlinearity: "sigmoid" })),
    ),
    mistake(
      "another cell",
      api.OptionError,
      /CharModel: cell is "LSTM", expected one of lstm, gru, rnn_tanh, rnn_relu/,
      () => new CharModel(wrong({ vocabSize: 3, cell: "LSTM" })),
    ),
    mistake(
      "an unknown option of Embedding",
      api.OptionError,
      /Embedding: unknown option "size"/,
      () => new Embedding(wrong({ numEmbeddings: 1, embeddingDim: 1, size: 1 })),
    ),
    mistake(
      "an unknown option of CharModel",
      api.OptionError,
      /CharModel: unknown option "layers"/,
      () => new CharModel(wrong({ vocabSize: 3, layers: 2 })),
    ),
    mistake("an unknown option of crossEntropy", api.OptionError, /crossEntropy: unknown option "ignore"/, () =>
      api.crossEntropy(wrong({ ignore: 1 })),
    ),
    mistake(
      "an ignoreIndex with a fraction",
      api.OptionError,
      /crossEntropy: ignoreIndex is 0.5, expected a whole number/,
      () => api.crossEntropy({ ignoreIndex: 0.5 }),
    ),
    mistake("an ignoreIndex beyond 32 bits", api.OptionError, /ignoreIndex is 4294967296/, () =>
      api.crossEntropy({ ignoreIndex: 2 ** 32 }),
    ),
    mistake("a learning rate below 0", api.OptionError, /adam: lr is -1, expected a finite number in \[0/, () =>
      adam({ lr: -1 }),
    ),
    mistake("a learning rate that is no number", api.OptionError, /sgd: lr is NaN/, () => sgd({ lr: Number.NaN })),
    mistake("a beta of 1", api.OptionError, /adam: betas\[1\] is 1, expected/, () => adam({ betas: [0.9, 1] })),
    mistake("one beta", api.OptionError, /adamW: betas is \[0.9\], expected two numbers/, () =>
      api.adamW(wrong({ betas: [0.9] })),
    ),
    mistake("an alpha above 1", api.OptionError, /rmsprop: alpha is 2, expected a finite number in \[0, 1\]/, () =>
      api.rmsprop({ alpha: 2 }),
    ),
    mistake("a sum below 0", api.OptionError, /adagrad: initialAccumulatorValue is -1/, () =>
      api.adagrad({ initialAccumulatorValue: -1 }),
    ),
    mistake(
      "nesterov without momentum",
      api.OptionError,
      /nesterov needs a momentum above 0 and dampening 0, got momentum 0/,
      () => sgd({ nesterov: true }),
    ),
    mistake("nesterov with dampening", api.OptionError, /got momentum 0.9 and dampening 0.1/, () =>
      sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 }),
    ),
    mistake(
      "a switch of an optimizer of another type",
      api.OptionError,
      /adam: amsgrad is 1, expected true or false/,
      () => adam(wrong({ amsgrad: 1 })),
    ),
    mistake(
      "PyTorch's name of an option",
      api.OptionError,
      /adam: unknown option "weight_decay" \(did you mean weightDecay\?\); options are .*weightDecay/,
      () => adam(wrong({ weight_decay: 0.1 })),
    ),
    mistake("an infinity norm's beta of 1", api.OptionError, /adamax: betas\[1\] is 1, expected a finite number/, () =>
      api.adamax({ betas: [0.9, 1] }),
    ),
    mistake("a momentum that decays", api.OptionError, /nadam: momentumDecay is -1/, () =>
      api.nadam({ momentumDecay: -1 }),
    ),
    mistake(
      "a switch of radam of another type",
      api.OptionError,
      /radam: decoupledWeightDecay is 1, expected true or/,
      () => api.radam(wrong({ decoupledWeightDecay: 1 })),
    ),
    mistake("a beta of lion in one number", api.OptionError, /lion: betas is 0.9, expected two numbers/, () =>
      api.lion(wrong({ betas: 0.9 })),
    ),
    mistake("a rho above 1", api.OptionError, /adadelta: rho is 1.5, expected a finite number in \[0, 1\]/, () =>
      api.adadelta({ rho: 1.5 }),
    ),
    mistake("a power above 0", api.OptionError, /ftrl: learningRatePower is 0.5/, () =>
      api.ftrl({ learningRatePower: 0.5 }),
    ),
    mistake("sums of squares that start with 0", api.OptionError, /ftrl: initialAccumulatorValue is 0/, () =>
      api.ftrl({ initialAccumulatorValue: 0 }),
    ),
    mistake("a negative t0", api.OptionError, /asgd: t0 is -1/, () => api.asgd({ t0: -1 })),
    mistake("etas in the other order", api.OptionError, /rprop: etas\[0\] is 1.2, expected a finite number/, () =>
      api.rprop({ etas: [1.2, 0.5] }),
    ),
    mistake("three etas", api.OptionError, /rprop: etas is \[0.5, 1, 1.2\], expected two numbers/, () =>
      api.rprop(wrong({ etas: [0.5, 1, 1.2] })),
    ),
    mistake(
      "step sizes in the other order",
      api.OptionError,
      /rprop: stepSizes is \[50, 0.1\], expected the smallest/,
      () => api.rprop({ stepSizes: [50, 0.1] }),
    ),
    ...api.optimizerNames.map((name) =>
      mistake(`an unknown option of ${name}`, api.OptionError, new RegExp(`^${name}: unknown option "rate"`), () =>
        api.makeOptimizer(wrong({ name, rate: 1 })),
      ),
    ),
    mistake(
      "another backend",
      api.OptionError,
      /Runtime.open: backend is "cuda", expected "auto" or "gpu" or "wasm" or "cpu"/,
      () => Runtime.open(wrong({ backend: "cuda" })),
    ),
    mistake("an unknown option of open", api.OptionError, /Runtime.open: unknown option "adapter"/, () =>
      Runtime.open(wrong({ adapter: 1 })),
    ),
    mistake("other limits", api.OptionError, /limits is "max", expected "adapter" or "default"/, () =>
      Runtime.open(wrong({ limits: "max" })),
    ),
  ]);
});
