import { functional, Module, type Tensor } from "../../index.ts";
import type { Decoder, Given } from "./decoder.ts";
import type { States } from "./first-state.ts";

/** What an encoder makes of what a text is written from. */
export interface Encoded extends Omit<Given, "lengths"> {
  /** What the decoder begins with; zeros where it is left out. */
  readonly state?: States;
}

/** Gets what it reads of {@link WriterInputs}. */
export interface Encoder extends Module {
  forward(x: never): Encoded;
}

/** What the encoder reads, and beside it: */
export type WriterInputs = Readonly<Record<string, Tensor>> & {
  /** Of the source, where it has steps, i32 `[B]`. */
  readonly lengths?: Tensor;
  /** The text to write, from the begin token on, i32 `[T,B]`. */
  readonly before: Tensor;
  /** 0 where the model is to read what it says itself, i32 `[T,B]`; default the truth everywhere. */
  readonly isTrue?: Tensor;
};

/** Reads something, then writes a text. */
export class WriterModel<E extends Encoder = Encoder> extends Module {
  readonly encoder: E;
  readonly decoder: Decoder;

  constructor(encoder: E, decoder: Decoder) {
    super();
    this.encoder = encoder;
    this.decoder = decoder;
  }

  /** Scores `[T,B,V]` of what follows each token. */
  forward(x: WriterInputs): { readonly logits: Tensor } {
    const { state, ...encoded } = this.encoder.forward(x as never);
    const given = { ...encoded, ...(x.lengths && { lengths: x.lengths }) };
    const decode = (before: Tensor) => this.decoder.forward(before, state, given).logits;
    if (!x.isTrue) return { logits: decode(x.before) };
    // What the model says after the true tokens stands for what it would say by itself, so that the steps need not wait for
    // each other (see TeacherForcing).
    const said = decode(x.before).detach().argmax(-1); // [T,B]
    const T = x.before.shape[0]!;
    const guessed = T === 1 ? x.before : functional.concat([x.before.slice(0, 1, 0), said.slice(0, T - 1, 0)], 0);
    return { logits: decode(functional.where(x.isTrue, x.before, guessed)) };
  }
}
