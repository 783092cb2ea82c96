import { cellNamed, type FullCell, knownCells } from "../cells/cell.ts";
import { OptionError, ShapeError, shown } from "../errors.ts";
import { noiseSeed, noiseStream } from "../graph/noise.ts";
import { dropout } from "../graph/ops/dropout.ts";
import { concat, reshape, slice, swapAxes } from "../graph/ops/layout.ts";
import { activeMask, type RealSteps, sequenceMask } from "../graph/ops/mask.ts";
import { pointwise } from "../graph/ops/pointwise.ts";
import { recurrent } from "../graph/ops/recurrent.ts";
import { repeatRows } from "../graph/ops/repeat.ts";
import { expectTensor, Tensor } from "../graph/tensor.ts";
import { drawsNoise, type StepOptions } from "../kernels/recurrence.ts";
import { showShape } from "../tensor-data.ts";
import { constant, type Initializer, uniform } from "./init.ts";
import { Module, Parameter } from "./module.ts";
import { checkRecurrentOptions, type RecurrentOptions, type Settings, settingsOf } from "./recurrent-options.ts";
import { type States, stepRunner } from "./step-runner.ts";

/**
 * States by the cell's names: `h`, and for LSTM `c`. Each is `[L*D, B, P]` (c: `[L*D, B, H]`); where layers have different
 * sizes, a list with one tensor `[D, B, ·]` for each layer.
 */
export type RecurrentState<Name extends string = string> = Readonly<Record<Name, Tensor>>;

interface Layer {
  readonly wih: Parameter;
  readonly whh: Parameter | undefined;
  readonly bih: Parameter | undefined;
  readonly bhh: Parameter | undefined;
  readonly learned: Parameter | undefined;
  readonly whr: Parameter | undefined;
  /** By state, where initial states are learned. */
  readonly initial: Readonly<Record<string, Parameter>> | undefined;
}

/** Whether this is what defineCell returned, not a definition or a name. */
const isDefined = (cell: FullCell | null | undefined): boolean =>
  typeof cell === "object" && knownCells().includes(cell?.name ?? "") && cellNamed(cell!.name) === cell;

/** What was given in place of a state. */
function describe(value: unknown): string {
  if (value instanceof Tensor) return `one tensor ${showShape(value.shape)}`;
  return Array.isArray(value) ? `a list of ${value.length}` : shown(value);
}

/** What a class of ours adds to its cell. */
interface Particulars {
  readonly projSize?: number;
  /** Initial values of b_ih by gate. */
  readonly gateBias?: Readonly<Record<string, number>>;
  /** Initial values of learned vectors by their names in a state dict, without layer and direction. */
  readonly vectorStart?: Readonly<Record<string, number>>;
}

/**
 * Layers of one kind of cell: what RNN, LSTM and GRU have in common, and the layer of a cell of your own:
 * `new Recurrent({ cell: defineCell({ … }), inputSize, hiddenSize })`.
 * T time, B batch, I input, H hidden, P projection (or H), G gates, L layers, D directions.
 *
 * Parameters bear PyTorch's names: `weight_ih_l0 [G*H, I]`, `weight_hh_l0 [G*H, P]` (`[G*H, H/numHeads]` with heads),
 * `bias_ih_l0`, `bias_hh_l0 [G*H]`, `weight_hr_l0 [P, H]`, the cell's learned vectors `[H]` such as `peephole_i_l0`, and
 * learned initial states `initial_h_l0`; those of the second direction end in `_reverse`. Weights and biases start uniform
 * in ±1/√H.
 *
 * `Name` are the states, taken from the type of the cell; layers that know their cell give them as the record `State`. So
 * `state.h` is a tensor, and a state that the cell does not have does not compile.
 */
export class Recurrent<
  State extends RecurrentState = RecurrentState,
  Name extends string = keyof State & string,
> extends Module {
  /** The cell's name. */
  readonly cell: string;
  readonly inputSize: number;
  /** Units of the last layer. */
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bidirectional: boolean;
  readonly batchFirst: boolean;
  readonly #cell: FullCell;
  readonly #settings: Settings;
  readonly #layers: Layer[] = [];

  /**
   * @param options those of every recurrent layer, and the cell: what `defineCell` returned
   * @throws OptionError for an unknown option, a bad value, or options that make no sense together
   */
  constructor(options: RecurrentOptions & { readonly cell: FullCell<Name> | FullCell });
  /** @internal */
  constructor(options: RecurrentOptions & { readonly cell: FullCell }, particulars: Particulars);
  constructor(
    options: RecurrentOptions & { readonly cell: FullCell },
    { projSize = 0, gateBias = {}, vectorStart = {} }: Particulars = {},
  ) {
    super();
    const what = this.constructor.name;
    if (new.target === Recurrent) checkRecurrentOptions(what, options, ["cell"]);
    const { cell } = options;
    if (!isDefined(cell)) {
      const got = typeof cell === "object" && cell !== null ? "a plain object" : shown(cell);
      throw new OptionError(`${what}: cell is ${got}, expected what defineCell returns`);
    }
    this.#cell = cell;
    this.#settings = settingsOf(what, { ...options, projSize }, cell);
    const { hiddenSizes } = this.#settings;
    this.cell = cell.name;
    this.inputSize = this.#settings.inputSize;
    this.hiddenSize = hiddenSizes.at(-1)!;
    this.numLayers = hiddenSizes.length;
    this.bidirectional = this.#settings.bidirectional;
    this.batchFirst = this.#settings.batchFirst;
    this.#makeLayers(gateBias, vectorStart);
  }

  /** Size of a layer's h. */
  #output(layer: number): number {
    return this.#settings.projSize || this.#settings.hiddenSizes[layer]!;
  }

  /** Size of what a layer hands on. */
  #width(layer: number): number {
    return this.#output(layer) * (this.bidirectional && this.#settings.merge === "concat" ? 2 : 1);
  }

  /** Size of one row of a state. */
  #stateSize(name: string, layer: number): number {
    return name === this.#cell.states[0] ? this.#output(layer) : this.#settings.hiddenSizes[layer]!;
  }

  #makeLayers(gateBias: Readonly<Record<string, number>>, vectorStart: Readonly<Record<string, number>>): void {
    const { directions: D } = this;
    const { bias, projSize, learnedInitialState, hiddenSizes, steps } = this.#settings;
    const { gates, recurrent: hasR, learned, states } = this.#cell;
    const suffixes = D === 1 ? [""] : ["", "_reverse"];
    hiddenSizes.forEach((H, layer) => {
      const I = layer === 0 ? this.inputSize : this.#width(layer - 1);
      const P = this.#output(layer);
      const bound = uniform(-1 / Math.sqrt(H), 1 / Math.sqrt(H));
      const add = (field: string, parameter: Parameter): Parameter => {
        // A field, so that the walk over the module finds it.
        (this as unknown as Record<string, unknown>)[field] = parameter;
        return parameter;
      };
      const group = `l${layer}`;
      const make = (kind: string, shape: readonly number[], initializer: Initializer = bound): Parameter => {
        const name = `${kind}_l${layer}`;
        const parts = suffixes.map((suffix) => ({ name: name + suffix, shape }));
        // A weight and its bias stand side by side.
        const own = `${group} ${kind.slice(-2)}`;
        return add(name, new Parameter([D, ...shape], initializer, { parts, group: own }));
      };
      const vectors = () => {
        const parts = suffixes.flatMap((suffix) =>
          learned.map(({ name, stateName = name, initial = "uniform" }) => {
            const start = vectorStart[stateName] ?? initial;
            const initializer =
              start === "uniform" ? bound : typeof start === "number" ? constant(start) : uniform(...start);
            return { name: `${stateName}_l${layer}${suffix}`, shape: [H], initializer };
          }),
        );
        return add(`vectors_l${layer}`, new Parameter([D, learned.length * H], bound, { parts, group }));
      };
      /** b_ih and b_hh add up: of a gate whose bias is given, b_ih has it and b_hh is zero. */
      const biased =
        (of: (value: number) => number): Initializer =>
        (shape, random) => {
          const values = bound(shape, random);
          for (const [gate, value] of Object.entries(gateBias)) {
            const at = gates.indexOf(gate) * H;
            values.fill(of(value), at, at + H);
          }
          return values;
        };
      this.#layers.push({
        wih: make("weight_ih", [gates.length * H, I]),
        whh: hasR ? make("weight_hh", [gates.length * H, P / steps.numHeads]) : undefined,
        bih: bias
          ? make(
              "bias_ih",
              [gates.length * H],
              biased((value) => value),
            )
          : undefined,
        bhh:
          bias && hasR
            ? make(
                "bias_hh",
                [gates.length * H],
                biased(() => 0),
              )
            : undefined,
        learned: learned.length > 0 ? vectors() : undefined,
        whr: projSize ? make("weight_hr", [P, H]) : undefined,
        initial: learnedInitialState
          ? Object.fromEntries(states.map((name) => [name, make(`initial_${name}`, [this.#stateSize(name, layer)])]))
          : undefined,
      });
    });
  }

  /** 2 when bidirectional, else 1. */
  get directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /**
   * @param x `[T,B,inputSize]` (`[B,T,inputSize]` with batchFirst), or i32 tokens `[T,B]` that stand for one-hot vectors of
   * inputSize: W·x is then a gather
   * @param state initial states, each `[L*D,B,P]` (c: H for P); when not given zeros, or the learned ones
   * @param real which steps are real: `lengths` i32 `[B]`, `mask` i32 `[T,B]` (`[B,T]` with batchFirst), or both. A step that
   * is passed over holds the state; a reverse direction so starts at each sequence's own end. What `x` holds in such a step has
   * no effect, but must be a finite number: its products are computed and then passed over
   * @returns `output [T,B,D*P]` of the last layer (see the options `merge` and `maskedOutput`), and the final states: those
   * after each sequence's last real step
   * @throws ShapeError when a shape does not fit
   */
  forward(x: Tensor, state?: RecurrentState<Name>, real?: RealSteps): { output: Tensor; state: RecurrentState<Name> } {
    const { title, numLayers: L } = this;
    const { merge, residual, bidirectional, goBackwards } = this.#settings;
    const fromEnd = bidirectional || goBackwards;
    let input = this.#input(x);
    const [T, B] = input.shape as [number, number];
    const own = sequenceMask(title, real, T, B, this.batchFirst);
    const { mask, isHeld } = activeMask(own, T, B);
    // What a stream puts out that takes no part means nothing: there is nothing to make zero.
    const steps: StepOptions = own ? this.#settings.steps : { ...this.#settings.steps, maskedOutput: "hold" };
    const { states } = this.#cell;
    this.#checkState(state, B);

    const starts = state ? undefined : this.#starts(B);
    const finals: Record<string, Tensor[]> = Object.fromEntries(states.map((name) => [name, []]));
    const results = this.#layers.map((layer, l) => {
      const label = L === 1 ? this.label : `${this.label}.l${l}`;
      const run = (from: Tensor, before: States | undefined, real: Tensor | undefined) =>
        this.#layer(label, layer, l, from, before, { mask: real, steps });
      const before = this.#statesOf(l, state ?? starts);
      const runner = stepRunner();
      const result = runner
        ? runner({ module: this, layer: l, ...steps, fromEnd }, { x: input, mask }, before, run)
        : run(input, before, mask);
      let output = this.#merged(label, result.y, this.#output(l));
      if (residual && l > 0) output = pointwise(`${label} residual`, "add", [output, input]);
      input = l < L - 1 ? this.#dropped(label, output) : output;
      return result;
    });
    for (const [l, { states: after }] of results.entries()) {
      for (const name of states) {
        const one = after[name]!;
        const start = starts?.[name]?.[l];
        one.facts = { ...one.facts, ...(start && { start }), ...(isHeld && { isHeld }) };
        finals[name]!.push(one);
      }
    }
    const output = this.batchFirst && merge !== "none" ? swapAxes(`${this.label} batch first`, input) : input;
    const next = Object.fromEntries(states.map((name) => [name, this.#stacked(finals[name]!)]));
    return { output, state: next as RecurrentState<Name> };
  }

  /** Learned initial states of all layers, for B rows. */
  #starts(B: number): Readonly<Record<string, Tensor[]>> | undefined {
    if (!this.#settings.learnedInitialState) return undefined;
    const of = (name: string) =>
      this.#layers.map(({ initial }, l) => repeatRows(`${this.label} initial ${name} ${l}`, initial![name]!.tensor, B));
    return Object.fromEntries(this.#cell.states.map((name) => [name, of(name)]));
  }

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

  /** The states of one layer, each `[D,B,·]`. */
  #statesOf(l: number, all: Readonly<Record<string, Tensor | readonly Tensor[]>> | undefined): States | undefined {
    const { directions: D, numLayers: L } = this;
    const of = (given: Tensor | readonly Tensor[]): Tensor => {
      if (!(given instanceof Tensor)) return given[l]!;
      return L === 1 ? given : slice(given, l * D, D);
    };
    return all && Object.fromEntries(Object.entries(all).map(([name, given]) => [name, of(given)]));
  }

  #layer(
    label: string,
    { wih, whh, bih, bhh, learned, whr }: Layer,
    l: number,
    x: Tensor,
    before: States | undefined,
    { mask, steps }: { readonly mask: Tensor | undefined; readonly steps: StepOptions },
  ): { y: Tensor; states: States } {
    const { directions: D } = this;
    const { hiddenSizes, goBackwards } = this.#settings;
    const shape = [D, x.shape[1]!, hiddenSizes[l]!];
    const [first, ...others] = this.#cell.states as [string, ...string[]];
    const cellStates = () => others.map((name) => reshape(before![name]!, [1, ...shape]));
    const seed = noiseSeed();
    const weights = { wih: wih.tensor, whh: whh?.tensor, bih: bih?.tensor, bhh: bhh?.tensor };
    const { y, hn, cellStatesN } = recurrent(
      label,
      this.cell,
      x,
      { ...weights, learned: learned?.tensor, whr: whr?.tensor },
      {
        initial: before && { h: before[first]!, cellStates: others.length > 0 ? concat(cellStates()) : undefined },
        mask,
        goBackwards,
        options: steps,
        noise: seed && drawsNoise(steps) ? { seed, stream: noiseStream(label) } : undefined,
      },
    );
    return {
      y,
      // When they are asked for, which is after all layers: layers whose states nobody reads in between can go on together.
      get states() {
        const cells = others.map((name, i) => [name, reshape(slice(cellStatesN, i, 1), shape)] as const);
        return Object.fromEntries([[first, hn], ...cells]);
      },
    };
  }

  /** The outputs of both directions as one. */
  #merged(label: string, y: Tensor, P: number): Tensor {
    const { merge } = this.#settings;
    if (!this.bidirectional || merge === "concat") return y;
    const [T, B] = y.shape as [number, number];
    const both = [slice(y, 0, P, 2), slice(y, P, P, 2)] as const;
    if (merge === "product") return pointwise(`${label} merge`, "mul", both);
    if (merge !== "none") {
      const sum = pointwise(`${label} merge`, "add", both);
      return merge === "sum" ? sum : pointwise(`${label} merge`, "mul", [sum, 0.5]);
    }
    const turned = both.map((one) => (this.batchFirst ? swapAxes(`${label} batch first`, one) : one));
    return concat(turned.map((one) => reshape(one, [1, ...(this.batchFirst ? [B, T] : [T, B]), P])));
  }

  /** Dropout between layers. */
  #dropped(label: string, x: Tensor): Tensor {
    const { dropout: p, variationalDropout } = this.#settings;
    if (variationalDropout > 0) return dropout(`${label} dropout`, x, variationalDropout, true);
    return p > 0 ? dropout(`${label} dropout`, x, p) : x;
  }

  /** Whether a state is one tensor for all layers. */
  get #isEven(): boolean {
    return this.#settings.hiddenSizes.every((H) => H === this.hiddenSize);
  }

  #stacked(layers: readonly Tensor[]): Tensor {
    return this.#isEven ? concat(layers) : (layers as unknown as Tensor);
  }

  #checkState(state: RecurrentState | undefined, B: number): void {
    if (state === undefined) return;
    const { title, directions: D, numLayers: L } = this;
    const { states } = this.#cell;
    /** Of one tensor for all layers, or of each layer's. */
    const shapes = (name: string) =>
      this.#isEven
        ? [[L * D, B, this.#stateSize(name, 0)]]
        : this.#settings.hiddenSizes.map((_, l) => [D, B, this.#stateSize(name, l)]);
    const tensors = (name: string) =>
      `${this.#isEven ? "a tensor" : `a list of ${L} tensors`} ${shapes(name).map(showShape).join(", ")}`;
    const isRecord = state !== null && typeof state === "object" && !Array.isArray(state) && !(state instanceof Tensor);
    const given = isRecord ? Object.keys(state) : [];
    if (given.length !== states.length || states.some((name) => !given.includes(name))) {
      const got = isRecord ? `has ${given.join(", ") || "nothing"}` : `is ${describe(state)}`;
      const each = new Set(states.map(tensors)).size === 1 ? `each ${tensors(states[0]!)}` : undefined;
      const all = states.map((name) => `${name} ${tensors(name)}`).join(" and ");
      throw new ShapeError(`${title}: state ${got}, expected { ${states.join(", ")} }, ${each ?? all}`);
    }
    for (const name of states) {
      const value: unknown = state[name];
      if (this.#isEven) {
        const [shape] = shapes(name) as [number[]];
        expectTensor(`${title}: state.${name}`, value, shape, `[L*D,B,H] = ${showShape(shape)}`);
        continue;
      }
      if (!Array.isArray(value) || value.length !== L)
        throw new ShapeError(
          `${title}: state.${name} is ${describe(value)}, expected ${tensors(name)}: layers have different sizes`,
        );
      for (const [l, shape] of shapes(name).entries())
        expectTensor(`${title}: state.${name}[${l}]`, value[l], shape, `[D,B,H] = ${showShape(shape)}`);
    }
  }
}
