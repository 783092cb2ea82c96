import { functional, Module } from "../../index.ts";
import type { ColumnSize } from "../columns.ts";
import type { RecurrentOptionsOfTask } from "../recurrent-layer.ts";
import { StepEncoder, type StepInputs } from "../step-encoder.ts";
import { FirstState } from "./first-state.ts";

export interface TextReaderSizes extends Required<RecurrentOptionsOfTask> {
  readonly embeddingDim: number;
}

/** Reads a text: its steps, and the state that a decoder begins with. */
export class TextReader extends Module {
  readonly steps: StepEncoder;
  readonly first: FirstState;
  readonly #bidirectional: boolean;

  constructor(columns: readonly ColumnSize[], sizes: TextReaderSizes) {
    super();
    this.steps = new StepEncoder(columns, sizes.embeddingDim, sizes);
    this.first = new FirstState(this.steps.outputSize, sizes);
    this.#bidirectional = sizes.bidirectional;
  }

  forward(x: StepInputs) {
    const { output, state } = this.steps.forward(this.steps.embed(x), undefined, { lengths: x.lengths });
    const last = state.h!.select(-1, 0);
    // Each direction has read all of the text in its last step.
    const read = this.#bidirectional ? functional.concat([state.h!.select(-2, 0), last]) : last;
    return { encoded: output, state: this.first.forward(read) };
  }
}
