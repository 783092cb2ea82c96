import { Dropout, Embedding, functional, Linear, Module, type Tensor } from "../../index.ts";
import { type RecurrentLayer, type RecurrentOptionsOfTask, recurrentLayer } from "../recurrent-layer.ts";

export interface LanguageSizes extends Required<RecurrentOptionsOfTask> {
  readonly embeddingDim: number;
  readonly tieWeights: boolean;
}

type State = Readonly<Record<string, Tensor>>;

/** Embedding, recurrent layers, and a linear layer that scores the next token. */
export class LanguageNetwork extends Module {
  readonly embedding: Embedding;
  readonly rnn: RecurrentLayer;
  readonly head: Linear;
  readonly dropout: Dropout;

  /** @param tokens V */
  constructor(tokens: number, options: LanguageSizes) {
    super();
    const { embeddingDim, tieWeights } = options;
    this.embedding = new Embedding({ numEmbeddings: tokens, embeddingDim });
    this.rnn = recurrentLayer(embeddingDim, options);
    const shared = tieWeights ? { weight: this.embedding.weight } : {};
    this.head = new Linear({ inFeatures: options.hiddenSize, outFeatures: tokens, ...shared });
    this.dropout = new Dropout({ p: options.dropout });
  }

  /** What the head reads, `[T,B,H]`. @param tokens i32 `[T,B]` */
  read(tokens: Tensor, state?: State) {
    const { output, state: after } = this.rnn.forward(this.dropout.forward(this.embedding.forward(tokens)), state);
    return { output: this.dropout.forward(output), state: after };
  }

  /** @param tokens i32 `[T,B]` @returns `logits [T,B,V]` of the token behind each */
  forward(tokens: Tensor, state?: State) {
    const { output, state: after } = this.read(tokens, state);
    return { logits: this.head.forward(output), state: after };
  }
}

// The following are other views of the same weights.

/** The network as it writes: the first tokens of the vocabulary, which stand for no text, have no probability. */
export class LanguageWriter extends Module {
  readonly network: LanguageNetwork;
  readonly #silent: number;

  /** @param silent how many tokens are never written */
  constructor(network: LanguageNetwork, silent: number) {
    super();
    this.network = network;
    this.#silent = silent;
  }

  /** @param logits `[..., V]` */
  written(logits: Tensor): Tensor {
    const silent = this.#silent;
    const rest = functional.slice(logits, silent, logits.shape.at(-1)! - silent);
    return functional.pad(rest, [[silent, 0]], { value: -1e9 });
  }

  forward(tokens: Tensor, state?: State) {
    const { logits, state: after } = this.network.forward(tokens, state);
    return { logits: this.written(logits), state: after };
  }
}

/** What the network says of a text that is there. */
export class LanguageReader extends Module {
  readonly writer: LanguageWriter;

  constructor(writer: LanguageWriter) {
    super();
    this.writer = writer;
  }

  /**
   * @param x.tokens i32 `[T,1]`, of which the first `lengths`, i32 `[1]`, are real
   * @param x.targets i32 `[T,1]`: the tokens behind them
   * @returns `logProbabilities [T,1]` of the targets; `next [1,V]`, of what may be written behind the last real token
   */
  forward(x: { tokens: Tensor; targets: Tensor; lengths: Tensor }, state?: State) {
    const { network } = this.writer;
    const { output, state: after } = network.read(x.tokens, state);
    const logProbabilities = network.head.forward(output).logSoftmax().gather(x.targets.unsqueeze(-1), -1);
    const last = functional.lastPool(output, { lengths: x.lengths });
    const next = this.writer.written(network.head.forward(last)).logSoftmax();
    return { logProbabilities: logProbabilities.squeeze(-1), next, state: after };
  }
}

/** The network's states, step by step. */
export class LanguageStates extends Module {
  readonly network: LanguageNetwork;

  constructor(network: LanguageNetwork) {
    super();
    this.network = network;
  }

  /** @param tokens i32 `[T,1]` @returns each state after each of them, `[T,L,H]`, by name */
  forward(tokens: Tensor, state?: State) {
    const [T] = tokens.shape;
    const steps: State[] = [];
    for (let t = 0; t < T!; t++) steps.push(this.network.read(tokens.slice(t, 1, 0), steps.at(-1) ?? state).state);
    const names = Object.keys(steps[0]!);
    // [L,1,H] of each step
    const all = names.map((name) => [
      name,
      functional.stack(
        steps.map((step) => step[name]!.squeeze(1)),
        0,
      ),
    ]);
    return { ...(Object.fromEntries(all) as State), state: steps.at(-1)! };
  }
}
