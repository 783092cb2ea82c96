import { checkCount, checkOptions, OptionError, ShapeError, shown } from "../errors.ts";
import { dropout } from "../graph/ops/dropout.ts";
import { concat, slice, swapAxes } from "../graph/ops/layout.ts";
import { linear } from "../graph/ops/linear.ts";
import { linearRecurrence } from "../graph/ops/linear-recurrence.ts";
import { linearTokens } from "../graph/ops/linear-tokens.ts";
import { activeMask, maskRows, type RealSteps, sequenceMask } from "../graph/ops/mask.ts";
import { pointwise } from "../graph/ops/pointwise.ts";
import { scanGates } from "../graph/ops/scan-gates.ts";
import { expectTensor, Tensor } from "../graph/tensor.ts";
import { showShape } from "../tensor-data.ts";
import { uniform } from "./init.ts";
import { Module, Parameter } from "./module.ts";
import { checkSwitches, rate, sizesOf } from "./recurrent-options.ts";

export interface MinRecurrentOptions {
  /** Size of one step's input; or of the vocabulary, where inputs are tokens that stand for one-hot vectors. */
  readonly inputSize: number;
  /** Units of every layer, or of each: `[256, 128]` is two layers. */
  readonly hiddenSize: number | readonly number[];
  /** Layers on top of each other; default 1, or as many as `hiddenSize` lists. */
  readonly numLayers?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Inputs, masks and outputs are `[B,T,...]` instead of `[T,B,...]`; default false. States are not concerned. */
  readonly batchFirst?: boolean;
  /** Probability of dropout between layers, in training; default 0. See {@link Dropout}. */
  readonly dropout?: number;
  /**
   * Adds to the output of each layer but the first what went into it (Wu et al., "Google's Neural Machine Translation System",
   * 2016, [arXiv:1609.08144](https://arxiv.org/abs/1609.08144), section 3.1); layers must have one size. Default false.
   */
  readonly residual?: boolean;
}

/** Hidden state `[L,B,H]`; where layers have different sizes, a list with one tensor `[1,B,H]` for each layer. */
export type MinState = Readonly<Record<"h", Tensor>>;

interface Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
}

/**
 * Layers whose state is a weighted mean of what it was and of what is new, with weights that depend on the input alone:
 * `h_t = a_t * h_{t-1} + b_t`. So all steps are computed at once, by one matrix product for the gates, one pointwise kernel and
 * a parallel scan over time: the number of dispatches does not grow with T, forward or backward.
 *
 * T time, B batch, I input, H hidden, L layers, G rows of gates. Parameters bear names as PyTorch's: `weight_ih_l0 [G*H,I]`,
 * `bias_ih_l0 [G*H]`; all start uniform in ±1/√H.
 */
export abstract class MinRecurrent extends Module {
  readonly inputSize: number;
  /** H of each layer. */
  readonly hiddenSizes: readonly number[];
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly residual: boolean;
  /** Two gates, f and i, instead of one. */
  readonly #pair: boolean;
  readonly #layers: readonly Layer[];

  /** @throws OptionError for an unknown option or a bad value */
  protected constructor(pair: boolean, options: MinRecurrentOptions) {
    super();
    const what = this.constructor.name;
    checkOptions(what, options, ["inputSize", "hiddenSize", "numLayers", "bias", "batchFirst", "dropout", "residual"]);
    checkSwitches(what, options, ["bias", "batchFirst", "residual"]);
    this.inputSize = checkCount(what, "inputSize", options.inputSize);
    this.hiddenSizes = sizesOf(what, options);
    this.batchFirst = options.batchFirst ?? false;
    this.dropout = rate(what, "dropout", options.dropout);
    this.residual = options.residual ?? false;
    if (this.numLayers === 1 && (this.dropout > 0 || this.residual)) {
      const [name, value] = this.residual ? ["residual", true] : ["dropout", options.dropout];
      throw new OptionError(
        `${what}: ${name} acts between layers, and there is one layer; it is ${value}, leave it out or add a layer`,
      );
    }
    if (this.residual && !this.#sameSize) {
      throw new OptionError(
        `${what}: residual adds a layer's input to its output, and hiddenSize is ${showShape(this.hiddenSizes)}; give all layers one size`,
      );
    }
    this.#pair = pair;
    const rows = pair ? 3 : 2;
    this.#layers = this.hiddenSizes.map((H, layer) => {
      const I = layer === 0 ? this.inputSize : this.hiddenSizes[layer - 1]!;
      const make = (kind: string, shape: readonly number[]): Parameter => {
        const parameter = new Parameter(shape, uniform(-1 / Math.sqrt(H), 1 / Math.sqrt(H)), { group: `l${layer}` });
        // A field, so that the walk over the module finds it.
        (this as unknown as Record<string, unknown>)[`${kind}_l${layer}`] = parameter;
        return parameter;
      };
      return {
        weight: make("weight_ih", [rows * H, I]),
        bias: options.bias === false ? undefined : make("bias_ih", [rows * H]),
      };
    });
  }

  get numLayers(): number {
    return this.hiddenSizes.length;
  }

  /** Units of the last layer. */
  get hiddenSize(): number {
    return this.hiddenSizes.at(-1)!;
  }

  /**
   * @param x `[T,B,inputSize]` (`[B,T,inputSize]` with batchFirst), or i32 tokens `[T,B]` that stand for one-hot vectors of
   * inputSize: the product for the gates is then a gather. T = 1 from the state of the step before streams
   * @param state the states to start from, as they are returned; 0 when not given
   * @param real `lengths` and `mask`: at a step that is not real the state goes on as it is and the output is 0
   * @returns `output [T,B,H]` of the last layer, and the states after the last real step of each sequence
   * @throws ShapeError when a shape does not fit
   */
  forward(
    x: Tensor,
    state?: Readonly<Record<"h", Tensor | readonly Tensor[]>>,
    real?: RealSteps,
  ): { output: Tensor; state: MinState } {
    const { title, label } = this;
    let input = this.#input(x);
    const [T, B] = input.shape as [number, number];
    const own = sequenceMask(title, real, T, B, this.batchFirst);
    const { mask, isHeld } = activeMask(own, T, B);
    const initial = this.#statesOf(state, B);
    const finals = this.#layers.map(({ weight, bias }, layer) => {
      const name = this.numLayers === 1 ? label : `${label}.l${layer}`;
      if (layer > 0) input = dropout(`${name} dropout`, input, this.dropout);
      const product = input.dtype === "i32" ? linearTokens : linear;
      const gates = product(`${name} input`, input, weight.tensor, bias?.tensor);
      const { a, b } = scanGates(`${name} gates`, gates, this.#pair, mask);
      const h = linearRecurrence(name, a, b, initial?.[layer]);
      input = this.residual && layer > 0 ? pointwise(`${name} residual`, "add", [h, input]) : h;
      const final = slice(h, T - 1, 1);
      if (isHeld) final.facts = { ...final.facts, isHeld };
      return final;
    });
    const output = own ? maskRows(`${label} output`, input, own) : input;
    return {
      output: this.batchFirst ? swapAxes(`${label} batch first`, output) : output,
      state: { h: this.#sameSize ? concat(finals) : (finals as unknown as Tensor) },
    };
  }

  /** Time first. */
  #input(x: Tensor): Tensor {
    const { title, inputSize, batchFirst } = this;
    if (x instanceof Tensor && x.dtype === "i32") {
      if (batchFirst)
        throw new ShapeError(`${title}: x are tokens, which are [T,B] only; leave batchFirst out, or use an Embedding`);
      return expectTensor(`${title}: x`, x, [null, null], `i32 tokens [T,B] below ${inputSize}`, "i32");
    }
    const expected = `${batchFirst ? "[B,T" : "[T,B"},${inputSize}] (inputSize ${inputSize})`;
    const sequence = expectTensor(`${title}: x`, x, [null, null, inputSize], expected);
    return batchFirst ? swapAxes(`${this.label} time first`, sequence) : sequence;
  }

  get #sameSize(): boolean {
    return this.hiddenSizes.every((H) => H === this.hiddenSizes[0]);
  }

  /** The state of each layer, `[1,B,H]`. */
  #statesOf(state: { readonly h: unknown } | undefined, B: number): readonly Tensor[] | undefined {
    if (state === undefined) return undefined;
    const { title, hiddenSizes, numLayers: L } = this;
    const h = state?.h;
    if (this.#sameSize) {
      const shape = [L, B, hiddenSizes[0]!];
      const all = expectTensor(`${title}: state.h`, h, shape, `[L,B,H] = [${shape}]`);
      return L === 1 ? [all] : hiddenSizes.map((_, layer) => slice(all, layer, 1));
    }
    if (!Array.isArray(h) || h.length !== L) {
      const got = Array.isArray(h) ? `a list of ${h.length}` : h instanceof Tensor ? "one tensor" : shown(h);
      throw new ShapeError(`${title}: state.h is ${got}, expected a list of ${L} tensors [1,B,H], one for each layer`);
    }
    return hiddenSizes.map((H, layer) =>
      expectTensor(`${title}: state.h[${layer}]`, h[layer], [1, B, H], `[1,B,H] = [${[1, B, H]}]`),
    );
  }
}
