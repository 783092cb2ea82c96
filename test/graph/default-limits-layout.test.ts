/** Large models at WebGPU's default limits: their weights are laid out and their plans built, and nothing is allocated. */
import "../support/all-commands.ts";
import { expect, test } from "vitest";
import { buildPlan } from "../../src/graph/build-plan.ts";
import { differentiation } from "../../src/graph/differentiation.ts";
import { layoutParameters } from "../../src/graph/parameter-layout.ts";
import { inputTensor } from "../../src/graph/tensor.ts";
import type { SequenceModel } from "../../src/graph/trace.ts";
import { updateParameters } from "../../src/graph/update-parameters.ts";
import {
  adam,
  crossEntropy,
  Embedding,
  Linear,
  LSTM,
  type LSTMState,
  Module,
  mse,
  type Tensor,
} from "../../src/index.ts";
import { parameterGroups } from "../../src/nn/module.ts";
import type { Plan, Target } from "../../src/plan/plan.ts";
import { bytesOf } from "../../src/tensor-data.ts";
import { traceLoss } from "../../src/train/loss-graph.ts";
import { updateOf } from "../../src/train/update-of.ts";

/** https://www.w3.org/TR/webgpu/#limits: maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension. */
const target: Target = { maxBufferSize: 2 ** 27, maxWorkgroups: 65535, software: false };

class Wide extends Module {
  readonly rnn = new LSTM({ inputSize: 1280, hiddenSize: 1280 });
  forward(x: Tensor, given?: LSTMState): { y: Tensor; state: LSTMState } {
    const { output, state } = this.rnn.forward(x, given);
    return { y: output, state };
  }
}
class Vocabulary extends Module {
  readonly embedding = new Embedding({ numEmbeddings: 50257, embeddingDim: 256 });
  readonly rnn = new LSTM({ inputSize: 256, hiddenSize: 256 });
  readonly head = new Linear({ inFeatures: 256, outFeatures: 50257 });
  forward(tokens: Tensor, given?: LSTMState): { logits: Tensor; state: LSTMState } {
    const { output, state } = this.rnn.forward(this.embedding.forward(tokens), given);
    return { logits: this.head.forward(output), state };
  }
}

const largest = ({ buffers }: Plan): number => Math.max(...buffers.map(({ dtype, length }) => length * bytesOf(dtype)));

test.each([
  ["an LSTM of 1280 units with 1280 inputs", new Wide(), [8, 2, 1280] as const, 5120 * 1280],
  ["an embedding of 50257 words", new Vocabulary(), [8, 2] as const, 50257 * 256],
])("%s trains and runs", (_, model, shape, parameter) => {
  const size = shape.reduce<number>((a, b) => a * b, 1);
  const isText = shape.length === 2;
  const x = { shape, data: isText ? new Int32Array(size) : new Float32Array(size) };
  const squares = mse();
  const loss = isText ? crossEntropy() : ({ y }: { y: Tensor }, wanted: Tensor) => squares.apply(y, wanted);
  const layout = layoutParameters(parameterGroups(model), target.maxBufferSize);
  // Pages are as large as a buffer may be.
  expect(Math.max(...layout.pages) * 4).toBeGreaterThan(target.maxBufferSize / 3);
  const graph = traceLoss(model as SequenceModel & Module, { x, target: x }, loss, { carry: true });
  const training = buildPlan({
    name: "train",
    target,
    layout,
    outputs: { loss: graph.loss },
    loss: graph.loss,
    differentiation,
    parameters: true,
    carries: graph.states.flatMap(({ parts }) => parts),
    withGradients: (e) => updateParameters(e, updateOf(adam(), {})),
  });
  const forward = model.forward(inputTensor("x", shape, isText ? "i32" : "f32")) as { y?: Tensor; logits?: Tensor };
  const outputs = { y: (forward.y ?? forward.logits)! };
  const inference = buildPlan({ name: "forward", target, layout, outputs });
  for (const plan of [training, inference]) {
    expect(largest(plan)).toBeLessThanOrEqual(target.maxBufferSize);
    expect(largest(plan)).toBeGreaterThanOrEqual(4 * parameter);
  }
  expect(training.buffers.filter(({ role }) => role === "moment")).toHaveLength(2 * layout.pages.length);
});
