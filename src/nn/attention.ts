import { checkChoice, checkCount, checkOptions, checkSwitch, OptionError, ShapeError } from "../errors.ts";
import { additiveScores, maskedSoftmax } from "../graph/ops/attention.ts";
import { batchProduct } from "../graph/ops/batch-product.ts";
import { reshape } from "../graph/ops/layout.ts";
import { type RealSteps, sequenceMask } from "../graph/ops/mask.ts";
import { expectTensor, Tensor } from "../graph/tensor.ts";
import { showShape } from "../tensor-data.ts";
import { uniform } from "./init.ts";
import { Linear } from "./linear.ts";
import { Module, Parameter } from "./module.ts";

/** What else attention is given beside queries and keys; `lengths [B]` and `mask [S,B]` say which keys are real. */
export interface AttentionInputs extends RealSteps {
  /** What is averaged, `[S,B,V]`; default the keys. */
  readonly values?: Tensor;
}

/** What attention gives back; without the axis T where the query has none. */
export interface Attended {
  /** `[T,B,V]`: for each query the mean of the values, weighted. */
  readonly context: Tensor;
  /** `[T,B,S]`: the weights. They are 0 at keys that are not real and add up to 1, or to 0 where a sequence has no real key. */
  readonly weights: Tensor;
}

/**
 * Attention over an encoder's outputs: how well each of T queries fits each of S keys is scored, a softmax over the real keys
 * makes weights of the scores, and the values are averaged with them. B sequences, side by side.
 */
export abstract class Attention extends Module {
  readonly querySize: number;
  readonly keySize: number;

  /** @throws OptionError for a size that is no whole number of at least 1 */
  protected constructor(options: { readonly querySize: number; readonly keySize?: number }) {
    super();
    const what = this.constructor.name;
    this.querySize = checkCount(what, "querySize", options.querySize);
    this.keySize = checkCount(what, "keySize", options.keySize ?? options.querySize);
  }

  /** Scores `[T,B,S]` of `queries [T,B,Q]` and `keys [S,B,K]`, and what they are multiplied by. @internal */
  protected abstract score(queries: Tensor, keys: Tensor): { readonly scores: Tensor; readonly scale: number };

  /**
   * @param query `[T,B,querySize]`, or `[B,querySize]` for one step
   * @param keys `[S,B,keySize]`, such as an encoder's output
   * @param given `values`, and `lengths` or `mask` of the keys
   * @throws ShapeError when a shape does not fit, OptionError for an unknown name in `given`
   */
  forward(query: Tensor, keys: Tensor, given: AttentionInputs = {}): Attended {
    const { title, label, querySize, keySize } = this;
    const one = query instanceof Tensor && query.shape.length === 2;
    const queryAxes = one ? [null, querySize] : [null, null, querySize];
    expectTensor(
      `${title}: query`,
      query,
      queryAxes,
      `[T,B,${querySize}] or [B,${querySize}] (querySize ${querySize})`,
    );
    expectTensor(`${title}: keys`, keys, [null, null, keySize], `[S,B,${keySize}] (keySize ${keySize})`);
    const queries = one ? reshape(query, [1, ...query.shape]) : query;
    const B = queries.shape[1]!;
    const S = keys.shape[0]!;
    if (keys.shape[1] !== B) {
      throw new ShapeError(
        `${title}: the query has ${B} sequences and the keys ${keys.shape[1]} (${showShape(query.shape)} and ${showShape(keys.shape)}), expected as many`,
      );
    }
    checkOptions(title, given, ["values", "lengths", "mask"]);
    const { values = keys, ...real } = given;
    expectTensor(`${title}: values`, values, [S, B, null], `[S,B,V] = [${S},${B},V], as many as keys`);
    const mask = sequenceMask(title, real, S, B);
    const { scores, scale } = this.score(queries, keys);
    const weights = maskedSoftmax(`${label} weights`, scores, mask, scale);
    const context = batchProduct(`${label} context`, weights, values);
    const V = values.shape[2]!;
    return one ? { context: reshape(context, [B, V]), weights: reshape(weights, [B, S]) } : { context, weights };
  }
}

export interface AdditiveAttentionOptions {
  /** Q: features of a query. */
  readonly querySize: number;
  /** K: features of a key; default querySize. */
  readonly keySize?: number;
  /** A: units in which queries and keys are compared. */
  readonly hiddenSize: number;
  /** Adds a bias to the projected keys; default false, as in the paper. */
  readonly bias?: boolean;
}

/**
 * Additive attention (Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate",
 * ICLR 2015, [arXiv:1409.0473](https://arxiv.org/abs/1409.0473), appendix A.1.2):
 *
 *     score(q, k) = v · tanh(W·q + U·k)
 *
 * Parameters: `query.weight [A,Q]` is W, `key.weight [A,K]` is U, `v [A]`, and with bias `key.bias [A]`. Keys that are attended
 * to more than once, as by a decoder that goes step by step, are projected once.
 */
export class AdditiveAttention extends Attention {
  readonly query: Linear;
  readonly key: Linear;
  readonly v: Parameter;
  readonly hiddenSize: number;
  readonly #projected = new WeakMap<Tensor, Tensor>();

  /** @throws OptionError for an unknown option or a bad value */
  constructor(options: AdditiveAttentionOptions) {
    checkOptions("AdditiveAttention", options, ["querySize", "keySize", "hiddenSize", "bias"]);
    super(options);
    const { bias = false } = options;
    checkSwitch("AdditiveAttention", "bias", bias);
    this.hiddenSize = checkCount("AdditiveAttention", "hiddenSize", options.hiddenSize);
    this.query = new Linear({ inFeatures: this.querySize, outFeatures: this.hiddenSize, bias: false });
    this.key = new Linear({ inFeatures: this.keySize, outFeatures: this.hiddenSize, bias });
    const bound = 1 / Math.sqrt(this.hiddenSize);
    this.v = new Parameter([this.hiddenSize], uniform(-bound, bound));
  }

  protected override score(queries: Tensor, keys: Tensor) {
    const projected = this.#projected.get(keys) ?? this.key.forward(keys);
    this.#projected.set(keys, projected);
    const scores = additiveScores(`${this.label} scores`, this.query.forward(queries), projected, this.v.tensor);
    return { scores, scale: 1 };
  }
}

export interface MultiplicativeAttentionOptions {
  /** Q: features of a query. */
  readonly querySize: number;
  /** K: features of a key; default querySize. */
  readonly keySize?: number;
  /** Default "general". */
  readonly score?: "dot" | "general";
  /** Divides scores by √K, as Vaswani et al., "Attention Is All You Need", NeurIPS 2017; default false. */
  readonly scale?: boolean;
}

/**
 * Multiplicative attention (Luong, Pham and Manning, "Effective Approaches to Attention-based Neural Machine Translation",
 * EMNLP 2015, [arXiv:1508.04025](https://arxiv.org/abs/1508.04025), equation 8):
 *
 *     dot       score(q, k) = q · k          for queries and keys of one size
 *     general   score(q, k) = q · W·k
 *
 * "general" has the parameter `query.weight [K,Q]`, the transpose of W: the queries are projected, which are fewer than the
 * keys where a decoder goes step by step.
 */
export class MultiplicativeAttention extends Attention {
  readonly query: Linear | undefined;
  /** What scores are multiplied by. */
  readonly scale: number;

  /** @throws OptionError for an unknown option, a bad value, or a dot product of sizes that differ */
  constructor(options: MultiplicativeAttentionOptions) {
    const what = "MultiplicativeAttention";
    checkOptions(what, options, ["querySize", "keySize", "score", "scale"]);
    super(options);
    const { querySize, keySize } = this;
    const { score = "general", scale = false } = options;
    checkChoice(what, "score", score, ["dot", "general"]);
    checkSwitch(what, "scale", scale);
    if (score === "dot" && querySize !== keySize) {
      throw new OptionError(
        `${what}: querySize is ${querySize} and keySize ${keySize}, a dot product needs one size; use score "general"`,
      );
    }
    this.scale = scale ? 1 / Math.sqrt(keySize) : 1;
    this.query =
      score === "general" ? new Linear({ inFeatures: querySize, outFeatures: keySize, bias: false }) : undefined;
  }

  protected override score(queries: Tensor, keys: Tensor) {
    const projected = this.query ? this.query.forward(queries) : queries;
    return { scores: batchProduct(`${this.label} scores`, projected, keys, true), scale: this.scale };
  }
}
