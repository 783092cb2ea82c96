/** Gradients where functions of tensors and layers meet: computed masks, lengths and tokens, states and weights that are views. */
import {
  Conv1d,
  crossEntropy,
  Dropout,
  Embedding,
  functional as F,
  GRU,
  LayerNorm,
  Linear,
  LSTM,
  MinGRU,
  MultiplicativeAttention,
  type Tensor,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { type GradientCase, only, Parts, testGradients } from "../support/gradient-check.ts";

const backends = await backendsForTests();

const gru = new GRU({ inputSize: 3, hiddenSize: 2 });
const both = new GRU({ inputSize: 3, hiddenSize: 2, bidirectional: true });
const lstm = new LSTM({ inputSize: 3, hiddenSize: 2 });
const scan = new MinGRU({ inputSize: 3, hiddenSize: 2 });
const norm = new LayerNorm({ normalizedShape: 3 });
const embedding = new Embedding({ numEmbeddings: 5, embeddingDim: 3 });
const linear = new Linear({ inFeatures: 3, outFeatures: 3 });
const dropout = new Dropout({ p: 0.4 });
const first = new MultiplicativeAttention({ querySize: 3 });
const second = new MultiplicativeAttention({ querySize: 3, scale: true });
const conv = new Conv1d({ inChannels: 3, outChannels: 2, kernelSize: 3, stride: 2, padding: 1 });

const sequence = { x: { shape: [4, 2, 3] } };

const cases: readonly GradientCase[] = [
  {
    name: "lengths that are computed, and read by functions too",
    model: new Parts({ gru, both }),
    inputs: { ...sequence, k: { shape: [2], integers: [0, 3] } },
    forward({ x, k }) {
      const lengths = k!.add(1).clamp({ max: 4 });
      return {
        y: gru.forward(x!.sin(), undefined, { lengths }).output,
        z: both.forward(x!, undefined, { lengths }).output.flip(0),
        mean: F.meanPool(x!.mul(2), { lengths }).mul(lengths.unsqueeze(1)),
        last: F.lastPool(x!, { lengths }),
      };
    },
  },
  {
    name: "masks that are computed from the numbers",
    model: new Parts({ lstm, scan }),
    inputs: sequence,
    forward({ x }) {
      const mask = x!.mean(-1).gt(-0.1);
      return {
        y: lstm.forward(x!, undefined, { mask }).output,
        z: scan.forward(x!.mul(mask.unsqueeze(-1)), undefined, { mask }).output.mul(mask.unsqueeze(-1)),
        w: F.maxPool(x!, { mask }),
      };
    },
  },
  {
    name: "states that lie side by side in one tensor, which is used again",
    model: only(lstm),
    inputs: { ...sequence, s: { shape: [2, 2, 2] } },
    forward({ x, s }) {
      const states = s!.mul(s!);
      const { output, state } = lstm.forward(x!, { h: states.slice(0, 1, 0), c: states.slice(1, 1, 0) });
      return { output, again: F.concat([state.h, state.c, states], 0).sin(), s2: states.flip(0) };
    },
  },
  {
    name: "states that are one tensor",
    model: only(lstm),
    inputs: { ...sequence, s: { shape: [1, 2, 2] } },
    forward({ x, s }) {
      const h = s!.tanh();
      const { output, state } = lstm.forward(x!, { h, c: h });
      return { output, sum: state.h.add(state.c).add(h), h };
    },
  },
  {
    name: "pieces of a join, each through a layer",
    model: new Parts({ gru, norm, linear }),
    inputs: { ...sequence, z: { shape: [3, 2, 3] } },
    forward({ x, z }) {
      const joined = F.concat([x!.mul(2), z!.sin()], 0);
      const [a, b] = joined.split([3, 4], 0) as [Tensor, Tensor];
      return { a: norm.forward(a), b: gru.forward(b).output, c: linear.forward(joined).add(joined), joined };
    },
  },
  {
    name: "a weight that a layer, a table and functions share",
    model: new Parts({ embedding, linear }),
    inputs: { ...sequence, tokens: { shape: [4, 2], below: 5 } },
    forward({ x, tokens }) {
      const table = embedding.weight.tensor;
      const made = embedding.forward(tokens!).add(x!);
      const logits = made.matmul(table.transpose());
      return {
        logits,
        again: embedding.forward(logits.argmax(-1)).mul(x!),
        rows: table
          .slice(1, 3, 0)
          .add(table.slice(2, 3, 0))
          .sum(1),
        columns: table.flip(1).slice(0, 2, 1, 2).tanh(),
        bias: linear.forward(x!).mul(linear.bias!.tensor).sub(linear.weight.tensor.mean(0)),
        loss: crossEntropy().apply(logits, tokens!).loss,
      };
    },
  },
  {
    name: "attention by itself, behind functions and with a computed mask",
    model: new Parts({ first, second }),
    inputs: { ...sequence, memory: { shape: [5, 2, 3] } },
    forward({ x, memory }) {
      const keys = memory!.mul(1.5).sin();
      const mask = keys.sum(-1).gt(-0.5);
      const one = first.forward(x!, keys, { values: keys.neg(), mask });
      const two = second.forward(one.context.add(x!), keys, { mask });
      return { context: two.context, weights: two.weights.add(one.weights) };
    },
  },
  {
    name: "convolutions of one step, one sequence, and turned ones",
    model: only(conv),
    inputs: { ...sequence, one: { shape: [1, 1, 3] } },
    forward: ({ x, one }) => ({
      y: conv.forward(x!.flip(0)).add(1).relu(),
      z: conv.forward(one!.mul(2)),
      w: conv.forward(one!.expand([4, 2, 3]).add(x!)),
    }),
  },
  {
    name: "dropout between chains",
    model: new Parts({ dropout, linear }),
    training: 3,
    inputs: sequence,
    forward({ x }) {
      const y = dropout.forward(linear.forward(x!).tanh());
      return { y: y.mul(y).add(x!), z: dropout.forward(x!.mul(2)).mean(0) };
    },
  },
  {
    name: "losses of computed goals, weighted by functions",
    model: only(linear),
    inputs: sequence,
    forward({ x }) {
      const y = linear.forward(x!);
      const goal = x!.argmax(-1);
      return {
        a: crossEntropy().apply(y, goal).loss.mul(2).add(y.mean()),
        b: F.where(goal.ne(0).unsqueeze(-1), y, x!.mul(2)).logSoftmax().gather(goal.unsqueeze(-1), -1).mean().neg(),
      };
    },
  },
];

testGradients(backends, { cases });
