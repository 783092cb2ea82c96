import { FileFormatError, type Runtime, type Session, type SessionOptions, shown } from "../index.ts";
import { importOnnx, inspectOnnx, type OnnxModel, type OnnxValue } from "../onnx/index.ts";

/** What a model that is called frame by frame looks like. */
export interface StreamedShape {
  /** What errors call it. */
  readonly name: string;
  /** In words, for errors. */
  readonly expected: string;
  /** Lengths of the input of a frame, and of its output. */
  readonly input: readonly number[];
  isInput(value: OnnxValue): boolean;
  isOutput(value: OnnxValue): boolean;
  /** Whether an input or an output is the state. */
  isState(value: OnnxValue): boolean;
  readonly constants?: Readonly<Record<string, number>>;
}

/** One input, one output and a state of an ONNX file, called frame by frame; the state stays where the model runs. */
export class StreamedModel {
  readonly #runtime: Runtime;
  readonly #model: OnnxModel;
  readonly #session: Session;
  readonly #names: { readonly input: string; readonly output: string };
  readonly #shape: readonly number[];

  private constructor(
    runtime: Runtime,
    model: OnnxModel,
    session: Session,
    names: { readonly input: string; readonly output: string },
    shape: readonly number[],
  ) {
    this.#runtime = runtime;
    this.#model = model;
    this.#session = session;
    this.#names = names;
    this.#shape = shape;
  }

  /** @throws FileFormatError for a file that is no such model */
  static async open(
    runtime: Runtime,
    bytes: Uint8Array,
    is: StreamedShape,
    on: SessionOptions["on"],
  ): Promise<StreamedModel> {
    const { constants = {}, name } = is;
    const { inputs, outputs } = inspectOnnx(bytes);
    const one = (values: readonly OnnxValue[], test: (value: OnnxValue) => boolean): string => {
      const found = values.filter(test);
      if (found.length === 1) return found[0]!.name;
      const shapes = (some: readonly OnnxValue[]) => some.map((value) => `${value.name} [${value.shape}]`).join(", ");
      throw new FileFormatError(
        `${name}: expected ${is.expected}; it has the inputs ${shapes(inputs)} and the outputs ${shapes(outputs)}`,
      );
    };
    const absent = Object.keys(constants).find((constant) => !inputs.some((input) => input.name === constant));
    if (absent !== undefined)
      throw new FileFormatError(`${name}: expected ${is.expected}; it has no input ${shown(absent)}`);
    const names = { input: one(inputs, is.isInput), output: one(outputs, is.isOutput) };
    const states = { [one(outputs, is.isState)]: one(inputs, is.isState) };
    const model = importOnnx(bytes, { states, constants, name });
    try {
      const options = { inputs: { [names.input]: is.input }, ...(on && { on }) };
      const session = await runtime.session(model, options);
      return new StreamedModel(runtime, model, session, names, is.input);
    } catch (error) {
      runtime.release(model);
      throw error;
    }
  }

  async run(data: Float32Array): Promise<Float32Array> {
    const results = await this.#session.run({ [this.#names.input]: { shape: this.#shape, data } });
    return results[this.#names.output]!.data as Float32Array;
  }

  /** Begins anew, with a state of zeros. */
  reset(): void {
    this.#session.reset();
  }

  dispose(): void {
    this.#session.dispose();
    this.#runtime.release(this.#model);
  }
}
