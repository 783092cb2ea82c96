/** Beam searches that are refused before anything runs. */
import { describe } from "vitest";
import * as api from "../../src/node.ts";
import { runtimesForTests } from "../support/backends.ts";
import { expectErrors, mistake, wrong } from "../support/mistakes.ts";
import type { AnyModel } from "../support/plain-beam-search.ts";

const { CharModel, Embedding, functional, Linear, LSTM, Module } = api;
type Tensor = api.Tensor;

const { onEach, runtimes } = await runtimesForTests();

const V = 7;

class Bidirectional extends Module {
  readonly rnn = new LSTM({ inputSize: 4, hiddenSize: 5, bidirectional: true });
  readonly table = new Embedding({ numEmbeddings: V, embeddingDim: 4 });
  readonly head = new Linear({ inFeatures: 10, outFeatures: V });
  forward(tokens: Tensor, given?: never) {
    const { output, state } = this.rnn.forward(this.table.forward(tokens), given);
    return { logits: this.head.forward(output), state };
  }
}

class Sums extends Module {
  readonly table = new Embedding({ numEmbeddings: V, embeddingDim: 3 });
  readonly head = new Linear({ inFeatures: 3, outFeatures: V });
  forward(tokens: Tensor) {
    const x = this.table.forward(tokens);
    return { logits: this.head.forward(x), state: { sum: functional.meanPool(x) } };
  }
}

class Pooled extends Module {
  readonly table = new Embedding({ numEmbeddings: V, embeddingDim: 3 });
  forward(tokens: Tensor) {
    return { logits: functional.meanPool(this.table.forward(tokens)) };
  }
}

onEach(({ kind }) => {
  describe("beam search refuses", () => {
    const runtime = runtimes[kind];
    const model = new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 4, hiddenSize: 5 });
    const given =
      (options: object, of: AnyModel = model) =>
      () =>
        runtime.beamSearch(of, wrong({ prompt: [1], length: 3, ...options }));
    const count = (name: string, values: readonly unknown[]) =>
      values.map((value) =>
        mistake(
          `${name} ${String(value)}`,
          api.OptionError,
          new RegExp(`^beamSearch: ${name} is .*${String(value).replace("-", "\\-")}.*expected a whole number`),
          given({ [name]: value }),
        ),
      );
    expectErrors([
      mistake("an unknown option", api.OptionError, /beamSearch: unknown option "beams"; .*width/, given({ beams: 3 })),
      mistake(
        "a chunk that no plan can hold",
        api.LimitError,
        /beamSearch: chunk is 1000000, and a token of CharModel .* choose a smaller chunk/,
        given({ chunk: 1e6 }),
      ),
      ...count("length", [0, 1.5, 2 ** 31]),
      ...count("width", [0, 2.5, "4"]),
      ...count("nBest", [0, -1]),
      ...count("chunk", [0, 0.5]),
      ...count("endToken", [-1, V, 1.5]),
      mistake(
        "nBest over width",
        api.OptionError,
        /nBest is 5, only 4 hypotheses.* a width of at least 5/,
        given({ nBest: 5 }),
      ),
      mistake(
        "a width over the vocabulary",
        api.OptionError,
        /width is 8, the vocabulary of CharModel has 7 tokens; choose a width of at most 7/,
        given({ width: 8 }),
      ),
      mistake("a penalty", api.OptionError, /lengthPenalty is NaN.*\[-5, 5\]/, given({ lengthPenalty: Number.NaN })),
      mistake("a penalty out of range", api.OptionError, /lengthPenalty is 6.*\[-5, 5\]/, given({ lengthPenalty: 6 })),
      mistake(
        "an empty prompt",
        api.DataError,
        /beamSearch: the prompt is empty; give at least one/,
        given({ prompt: [] }),
      ),
      mistake("a text", api.OptionError, /beamSearch: prompt is a string, .*encode/, given({ prompt: "abc" })),
      mistake("a token", api.DataError, /prompt\[1\] is token 7, expected 0 to 6/, given({ prompt: [1, 7] })),
      mistake(
        "no token",
        api.DataError,
        /prompt\[0\] is token undefined, expected 0 to 6/,
        given({ prompt: [undefined] }),
      ),
      mistake(
        "a layer that runs from the end",
        api.OptionError,
        /beamSearch: the state h.* runs from the end .*layers of one direction/,
        given({}, new Bidirectional()),
      ),
      mistake(
        "a state without hypotheses",
        api.ShapeError,
        /beamSearch: the state sum of Sums is \[4,3\] for 4 hypotheses, expected \[L,4,\.\.\.\]/,
        given({}, new Sums()),
      ),
      mistake(
        "logits of something else",
        api.ShapeError,
        /beamSearch: the logits of Pooled are \[4,3\] for tokens \[1,4\], expected \[1,4,V\]/,
        given({}, new Pooled()),
      ),
    ]);
  });
});
