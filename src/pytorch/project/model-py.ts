import type { CharModelCell, CharModelOptions } from "../../index.ts";

/** torch's layer of a cell, and what it takes beside sizes. */
const layers: Readonly<Record<CharModelCell, readonly [name: string, option?: string]>> = {
  lstm: ["nn.LSTM"],
  gru: ["nn.GRU"],
  rnn_tanh: ["nn.RNN"],
  rnn_relu: ["nn.RNN", 'nonlinearity="relu"'],
};

/** A character model as a Python file. Its parameters bear the names of ours, which are PyTorch's. */
export function modelPy({ vocabSize, cell, embeddingDim, hiddenSize, numLayers }: Required<CharModelOptions>): string {
  const [layer, option] = layers[cell];
  const given = [
    embeddingDim,
    hiddenSize,
    ...(numLayers > 1 ? [`num_layers=${numLayers}`] : []),
    ...(option ? [option] : []),
  ];
  const state = `${numLayers}, B, ${hiddenSize}`;
  return `"""A character model of webgpu-rnn: embedding, recurrent layers, and a linear layer that scores the next character."""

from torch import nn


class CharModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(${vocabSize}, ${embeddingDim})
        self.rnn = ${layer}(${given.join(", ")})
        self.head = nn.Linear(${hiddenSize}, ${vocabSize})

    def forward(self, tokens, state=None):
        """
        tokens: int64 [T, B]
        state: ${cell === "lstm" ? `(h, c), each [${state}]` : `h, [${state}]`}; zeros when not given
        returns logits [T, B, ${vocabSize}] and the state after them
        """
        output, state = self.rnn(self.embedding(tokens), state)
        return self.head(output), state
`;
}
