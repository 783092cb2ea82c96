import { Dropout, Linear, Module, type Tensor } from "../../index.ts";
import type { RecurrentOptionsOfTask } from "../recurrent-layer.ts";
import { FirstState } from "./first-state.ts";
import type { Encoded } from "./writer-model.ts";

/**
 * What a vector does to the decoder: it becomes its first state, or joins the input of every step ("init-inject" and "par-inject" of
 * Tanti, Gatt and Camilleri, "Where to put the image in an image caption generator", Natural Language Engineering 24, 2018).
 */
export const conditionings = ["state", "input"] as const;
export type Conditioning = (typeof conditionings)[number];

export interface ImageReaderSizes extends Required<RecurrentOptionsOfTask> {
  /** C: numbers of a vector. */
  readonly features: number;
  readonly conditioning: Conditioning;
}

/** Reads a vector `[B,C]`: a layer of hiddenSize units, and what the decoder gets of it. */
export class ImageReader extends Module {
  readonly hidden: Linear;
  readonly first: FirstState | undefined;
  readonly dropout: Dropout;
  /** Size of what joins every step. */
  readonly joinedSize: number;

  constructor(sizes: ImageReaderSizes) {
    super();
    const { features, hiddenSize, conditioning, dropout } = sizes;
    this.hidden = new Linear({ inFeatures: features, outFeatures: hiddenSize });
    this.dropout = new Dropout({ p: dropout });
    if (conditioning === "state") this.first = new FirstState(hiddenSize, sizes);
    this.joinedSize = conditioning === "input" ? hiddenSize : 0;
  }

  forward({ image }: { readonly image: Tensor }): Encoded {
    const hidden = this.dropout.forward(this.hidden.forward(image).tanh());
    return this.first ? { state: this.first.forward(hidden) } : { joined: hidden };
  }
}
