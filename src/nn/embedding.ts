import { checkCount, checkOptions, ShapeError } from "../errors.ts";
import { embedding } from "../graph/ops/embedding.ts";
import { shownTensor, Tensor } from "../graph/tensor.ts";
import { normal } from "./init.ts";
import { Module, Parameter } from "./module.ts";

export interface EmbeddingOptions {
  /** Size of the vocabulary. */
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
}

/** A vector for each token, as torch.nn.Embedding: `weight [numEmbeddings, embeddingDim]`, drawn from N(0,1). */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly numEmbeddings: number;
  readonly embeddingDim: number;

  /** @throws OptionError for an unknown option or a size that is no whole number of at least 1 */
  constructor(options: EmbeddingOptions) {
    super();
    checkOptions("Embedding", options, ["numEmbeddings", "embeddingDim"]);
    this.numEmbeddings = checkCount("Embedding", "numEmbeddings", options.numEmbeddings);
    this.embeddingDim = checkCount("Embedding", "embeddingDim", options.embeddingDim);
    this.weight = new Parameter([this.numEmbeddings, this.embeddingDim], normal(0, 1));
  }

  /**
   * @param tokens i32 of any shape, each in [0, numEmbeddings); checked when they are written
   * @returns the shape of `tokens` with `embeddingDim` behind it
   * @throws ShapeError when tokens are not i32
   */
  forward(tokens: Tensor): Tensor {
    if (!(tokens instanceof Tensor) || tokens.dtype !== "i32") {
      const got = shownTensor(tokens);
      throw new ShapeError(`${this.title}: tokens are ${got}, expected i32 tokens, such as [T,B]`);
    }
    return embedding(this.label, tokens, this.weight.tensor);
  }
}
