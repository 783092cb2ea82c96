import { cellNamed } from "../cells/index.ts";
import { checkCount, checkOptions, OptionError, ShapeError } from "../errors.ts";
import { concat, reshape, slice, swapAxes } from "../graph/ops/layout.ts";
import { recurrent } from "../graph/ops/recurrent.ts";
import { expectTensor, Tensor } from "../graph/tensor.ts";
import { showShape } from "../tensor-data.ts";
import { uniform } from "./init.ts";
import { Module, Parameter } from "./module.ts";

export interface RecurrentOptions {
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** Layers on top of each other; default 1. */
  readonly numLayers?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Inputs and outputs are `[B,T,C]` instead of `[T,B,C]`; default false. States are not concerned, as in PyTorch. */
  readonly batchFirst?: boolean;
  /** A second direction over the reversed sequence, its output behind the first's; default false. */
  readonly bidirectional?: boolean;
}

export const recurrentOptions = [
  "inputSize",
  "hiddenSize",
  "numLayers",
  "bias",
  "batchFirst",
  "bidirectional",
] as const;

/** States by the cell's names: `h`, and for LSTM `c`; each `[L*D, B, H]`. */
export type RecurrentState = Readonly<Record<string, Tensor>>;

interface Layer {
  readonly wih: Parameter;
  readonly whh: Parameter;
  readonly bih: Parameter | undefined;
  readonly bhh: Parameter | undefined;
}

/**
 * Layers of one kind of cell: what RNN, LSTM and GRU have in common. T time, B batch, I input, H hidden, L layers, D directions.
 *
 * Parameters bear PyTorch's names: `weight_ih_l0 [G*H, I]`, `weight_hh_l0 [G*H, H]`, `bias_ih_l0`, `bias_hh_l0 [G*H]`,
 * those of the second direction end in `_reverse`. All start uniform in ±1/√H.
 */
export abstract class Recurrent<State extends RecurrentState> extends Module {
  readonly cell: string;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly batchFirst: boolean;
  readonly #layers: Layer[] = [];

  /** @throws OptionError for a size that is no whole number of at least 1 or a switch that is no boolean */
  protected constructor(cell: string, options: RecurrentOptions) {
    super();
    const what = this.constructor.name;
    this.cell = cell;
    this.inputSize = checkCount(what, "inputSize", options.inputSize);
    this.hiddenSize = checkCount(what, "hiddenSize", options.hiddenSize);
    this.numLayers = checkCount(what, "numLayers", options.numLayers ?? 1);
    for (const name of ["bias", "batchFirst", "bidirectional"] as const) {
      const value = options[name];
      if (value !== undefined && typeof value !== "boolean")
        throw new OptionError(`${what}: ${name} is ${String(value)}, expected true or false`);
    }
    this.bidirectional = options.bidirectional ?? false;
    this.batchFirst = options.batchFirst ?? false;
    this.#makeLayers(options.bias !== false);
  }

  #makeLayers(bias: boolean): void {
    const { hiddenSize: H, directions: D } = this;
    const gates = cellNamed(this.cell).gates.length;
    const bound = 1 / Math.sqrt(H);
    for (let layer = 0; layer < this.numLayers; layer++) {
      const I = layer === 0 ? this.inputSize : D * H;
      const make = (kind: string, shape: readonly number[]): Parameter => {
        const name = `${kind}_l${layer}`;
        const parts =
          D === 1
            ? [{ name, shape }]
            : [
                { name, shape },
                { name: `${name}_reverse`, shape },
              ];
        const parameter = new Parameter([D, ...shape], uniform(-bound, bound), { parts, group: `l${layer}` });
        // A field, so that the walk over the module finds it.
        (this as unknown as Record<string, unknown>)[name] = parameter;
        return parameter;
      };
      this.#layers.push({
        wih: make("weight_ih", [gates * H, I]),
        whh: make("weight_hh", [gates * H, H]),
        bih: bias ? make("bias_ih", [gates * H]) : undefined,
        bhh: bias ? make("bias_hh", [gates * H]) : undefined,
      });
    }
  }

  /** 2 when bidirectional, else 1. */
  get directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /**
   * @param x `[T,B,inputSize]` (`[B,T,inputSize]` with batchFirst)
   * @param state initial states, each `[L*D,B,H]`; zeros when not given
   * @returns `output [T,B,D*H]` of the last layer, and the final states
   * @throws ShapeError when a shape does not fit
   */
  forward(x: Tensor, state?: State): { output: Tensor; state: State } {
    const { title, hiddenSize: H, directions: D, numLayers: L } = this;
    const axes = this.batchFirst ? "[B,T" : "[T,B";
    const sequence = expectTensor(
      `${title}: x`,
      x,
      [null, null, this.inputSize],
      `${axes},${this.inputSize}] (inputSize ${this.inputSize})`,
    );
    let input = this.batchFirst ? swapAxes(`${this.label} time first`, sequence) : sequence;
    const B = input.shape[1]!;
    const { states } = cellNamed(this.cell);
    this.#checkState(state, states, [L * D, B, H]);

    const finals: Record<string, Tensor[]> = Object.fromEntries(states.map((name) => [name, []]));
    this.#layers.forEach(({ wih, whh, bih, bhh }, layer) => {
      const of = (name: string): Tensor => (L === 1 ? state![name]! : slice(state![name]!, layer * D, D));
      const others = states.slice(1);
      const initial = state && {
        h: of(states[0]!),
        rest: others.length > 0 ? concat(others.map((name) => reshape(of(name), [1, D, B, H]))) : undefined,
      };
      const weights = { wih: wih.tensor, whh: whh.tensor, bih: bih?.tensor, bhh: bhh?.tensor };
      const label = L === 1 ? this.label : `${this.label}.l${layer}`;
      const { y, hn, restn } = recurrent(label, this.cell, input, weights, initial);
      finals[states[0]!]!.push(hn);
      others.forEach((name, i) => {
        const one = others.length === 1 ? restn : slice(restn, i, 1);
        finals[name]!.push(reshape(one, [D, B, H]));
      });
      input = y;
    });
    const output = this.batchFirst ? swapAxes(`${this.label} batch first`, input) : input;
    return {
      output,
      state: Object.fromEntries(states.map((name) => [name, concat(finals[name]!)])) as unknown as State,
    };
  }

  #checkState(state: State | undefined, names: readonly string[], shape: readonly number[]): void {
    if (state === undefined) return;
    const given = Object.keys(state);
    if (given.length !== names.length || names.some((name) => !(state[name] instanceof Tensor))) {
      throw new ShapeError(
        `${this.title}: state has ${given.join(", ") || "nothing"}, expected { ${names.join(", ")} }, each a tensor ${showShape(shape)}`,
      );
    }
    for (const name of names)
      expectTensor(`${this.title}: state.${name}`, state[name], shape, `[L*D,B,H] = ${showShape(shape)}`);
  }
}

/** Refuses options that the module does not have. */
export const checkRecurrentOptions = (what: string, options: object, more: readonly string[] = []): void =>
  checkOptions(what, options, [...recurrentOptions, ...more]);
