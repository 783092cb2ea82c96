import { checkOptions, DisposedError, OptionError, shown } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { differentiation } from "../graph/differentiation.ts";
import { checkInputs, type InputRanges, inputRanges } from "../graph/input-ranges.ts";
import { callWithInputs } from "../graph/named-inputs.ts";
import { withNoise } from "../graph/noise.ts";
import { pageName } from "../graph/parameter-layout.ts";
import { inputTensor, Tensor } from "../graph/tensor.ts";
import { type StoredOptions, storedAs } from "../nn/stored-weights.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend, LoadedPlan } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import {
  checkAxes,
  checkTensor,
  type DType,
  type Shape,
  type StateDict,
  showShape,
  type TensorData,
} from "../tensor-data.ts";

/** Inputs of a program by name; dtype f32 unless it says i32. */
export type InputSpecs = Readonly<Record<string, { readonly shape: Shape; readonly dtype?: DType }>>;

/** S: the inputs as specified, O: names of the outputs. */
export interface ProgramOptions<S extends InputSpecs = InputSpecs, O extends string = string> extends StoredOptions {
  readonly inputs: S;
  /** From symbolic inputs to outputs by name; called once. */
  forward(inputs: { readonly [K in keyof S]: Tensor }): Readonly<Record<O, Tensor>>;
  /** Outputs whose gradients are given with each run, as the inputs `gradient.<output>`. Default: none, forward only. */
  readonly seeds?: readonly string[];
  /** Inputs whose gradients are wanted, as the outputs `grad.<input>`. */
  readonly gradients?: readonly string[];
  /** Also give the gradient by every parameter, as `grad.<parameter>`. */
  readonly parameterGradients?: boolean;
  /** Trace with dropout and zoneout on; each run then takes the input `seed`, i32 `[1]`. Default false. */
  readonly training?: boolean;
}

/** A function of tensors, compiled: run it as often as you like on inputs of its shapes. */
export class Program<S extends InputSpecs = InputSpecs, O extends string = string> {
  readonly plan: Plan;
  readonly #weights: Weights;
  readonly #loaded: LoadedPlan;
  readonly #inputs: ReadonlyMap<string, Tensor>;
  readonly #outputs: ReadonlyMap<string, Shape>;
  readonly #ranges: InputRanges;
  readonly #parameterGradients: boolean;
  readonly #onDispose: () => void;
  #disposed = false;

  private constructor(
    weights: Weights,
    loaded: LoadedPlan,
    described: {
      inputs: ReadonlyMap<string, Tensor>;
      outputs: ReadonlyMap<string, Shape>;
      ranges: InputRanges;
      parameterGradients: boolean;
      onDispose: () => void;
    },
  ) {
    this.plan = loaded.plan;
    this.#weights = weights;
    this.#loaded = loaded;
    this.#inputs = described.inputs;
    this.#outputs = described.outputs;
    this.#ranges = described.ranges;
    this.#parameterGradients = described.parameterGradients;
    this.#onDispose = described.onDispose;
  }

  /** Traces, differentiates, schedules and compiles. @throws OptionError, ShapeError or LimitError before anything runs */
  static async compile<S extends InputSpecs, O extends string>(
    backend: Backend,
    of: Weights,
    options: ProgramOptions<S, O>,
    onDispose: () => void = () => {},
  ): Promise<Program<S, O>> {
    const known = ["inputs", "forward", "seeds", "gradients", "parameterGradients", "training", "weightDtype"];
    checkOptions("compile", options, known);
    const weights = storedAs(backend, of, options);
    const { seeds = [], gradients = [], parameterGradients = false, training = false } = options;
    if (seeds.length === 0 && (parameterGradients || gradients.length > 0))
      throw new OptionError("compile: gradients need seeds, the outputs to differentiate; give their names as `seeds`");
    if (seeds.length > 0 && weights.layout.weightDtype === "int8")
      throw new OptionError(
        'compile: gradients with weightDtype "int8", which is for running a model only; take "f16" or "f32", or leave seeds out',
      );
    for (const [name, { shape }] of Object.entries(options.inputs)) checkAxes(`input "${name}"`, shape);
    const inputs = new Map(
      Object.entries(options.inputs).map(([name, { shape, dtype }]) => [
        name,
        inputTensor(name, shape, dtype ?? "f32"),
      ]),
    );
    const trace = (): Readonly<Record<string, Tensor>> =>
      callWithInputs("compile: forward", Object.fromEntries(inputs), (given) =>
        options.forward(given as { readonly [K in keyof S]: Tensor }),
      );
    const seed = inputTensor("seed", [1], "i32");
    if (training && inputs.has("seed"))
      throw new OptionError(
        'compile: with training, "seed" is the input of the random numbers; give yours another name',
      );
    const outputs = training ? withNoise(seed, trace) : trace();
    if (training) inputs.set("seed", seed);
    for (const [name, tensor] of Object.entries(outputs)) {
      if (!(tensor instanceof Tensor))
        throw new OptionError(
          `compile: forward's output "${name}" is ${shown(tensor)}, expected a symbolic tensor; several are returned under a name each`,
        );
      if (inputs.has(name))
        throw new OptionError(`compile: "${name}" is an input and an output; give the output another name`);
    }
    const need = <T>(found: T | undefined, what: string, name: string, known: Iterable<string>): T => {
      if (found === undefined)
        throw new OptionError(`compile: there is no ${what} "${name}"; there are ${[...known].join(", ")}`);
      return found;
    };
    const seedPairs = seeds.map((name) => {
      const of = need(outputs[name], "output", name, Object.keys(outputs));
      const gradient = inputTensor(`gradient.${name}`, of.shape);
      inputs.set(`gradient.${name}`, gradient);
      return { of, gradient };
    });
    const wanted = Object.fromEntries(
      gradients.map((name) => [name, need(inputs.get(name), "input", name, Object.keys(options.inputs))]),
    );
    const plan = buildPlan({
      name: "program",
      target: backend.target,
      layout: weights.layout,
      outputs,
      seeds: seedPairs,
      differentiation,
      wanted,
      parameters: parameterGradients,
    });
    const shapes = [
      ...Object.entries(outputs),
      ...Object.entries(wanted).map(([name, tensor]) => [`grad.${name}`, tensor] as const),
    ];
    const owner = { model: weights.name, part: `program ${showInputs(options.inputs)}` };
    return new Program(weights, await backend.load(plan, owner, weights), {
      onDispose,
      inputs,
      outputs: new Map(shapes.map(([name, { shape }]) => [name, shape])),
      ranges: inputRanges(Object.values(outputs)),
      parameterGradients,
    });
  }

  /**
   * Runs once. With gradients the inputs are also `gradient.<output>` and the outputs `grad.<input>`.
   * @throws ShapeError or DataError when an input is missing, too many or does not fit
   */
  async run(
    inputs: { readonly [K in keyof S]: TensorData } & StateDict,
  ): Promise<Readonly<Record<O, TensorData>> & StateDict> {
    if (this.#disposed) throw new DisposedError("the program was disposed; compile it again");
    for (const name of Object.keys(inputs)) {
      if (!this.#inputs.has(name))
        throw new OptionError(`run: there is no input "${name}"; inputs are ${[...this.#inputs.keys()].join(", ")}`);
    }
    for (const [name, { shape, dtype }] of this.#inputs) checkTensor(`input "${name}"`, inputs[name]!, shape, dtype);
    checkInputs(this.#ranges, inputs);
    for (const name of this.#inputs.keys()) {
      if (this.plan.buffers.some((buffer) => buffer.name === name && buffer.role === "input"))
        this.#loaded.write(name, inputs[name]!.data);
    }
    const names = [...this.#outputs.keys()];
    // A page whose parameters the outputs do not depend on has no gradients in the plan.
    const pages = this.#parameterGradients ? this.#weights.layout.pages.map((_, i) => pageName.gradient(i)) : [];
    const read = pages.filter((page) => this.plan.buffers.some(({ name }) => name === page));
    // All in one read, so that runs which are started side by side do not see each other's numbers.
    const values = await this.#loaded.runAndRead([...names, ...read]);
    const result: StateDict = Object.fromEntries(
      names.map((name, i) => [name, { shape: this.#outputs.get(name)!, data: values[i]! }]),
    );
    if (this.#parameterGradients) {
      const gradients = pages.map((page, i) => {
        const at = read.indexOf(page);
        return at < 0 ? new Float32Array(this.#weights.layout.pages[i]!) : values[names.length + at]!;
      });
      Object.assign(result, this.#weights.pick(gradients, "grad."));
    }
    return result as Readonly<Record<O, TensorData>> & StateDict;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#loaded.dispose();
    this.#onDispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const showInputs = (inputs: InputSpecs): string =>
  Object.entries(inputs)
    .map(([name, { shape, dtype = "f32" }]) => `${name} ${dtype}${showShape(shape)}`)
    .join(" ");
