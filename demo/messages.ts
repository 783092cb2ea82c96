/** What the page and its worker say to each other. */
import type { CharModelCell, RuntimeInfo, RuntimeOptions } from "../src/index.ts";

/** What `Runtime.open` can be asked for. */
export type Backend = NonNullable<RuntimeOptions["backend"]>;

export interface Settings {
  readonly cell: CharModelCell;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly embeddingDim: number;
  /** T: characters of one row in one step. */
  readonly window: number;
  /** B: rows. */
  readonly batch: number;
  readonly learningRate: number;
  /** 0: no limit. */
  readonly clipNorm: number;
  /** Steps until training stops by itself; 0: never. */
  readonly steps: number;
}

export interface Sampling {
  readonly temperature: number;
  /** May be empty, and may have characters that the model does not know. */
  readonly prompt: string;
}

/** Page to worker. */
export type Request =
  | { readonly type: "open"; readonly backend: Backend }
  | { readonly type: "start"; readonly settings: Settings; readonly text: string }
  | { readonly type: "continue" }
  | { readonly type: "pause" }
  | { readonly type: "goBack" }
  | { readonly type: "sampling"; readonly sampling: Sampling }
  | { readonly type: "sample" }
  | { readonly type: "save" }
  | {
      readonly type: "load";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly name: string;
      readonly text: string;
      readonly steps: number;
    };

/** A model that is there now. */
export interface ModelReport {
  readonly settings: Settings;
  readonly parameters: number;
  readonly vocabulary: number;
  /** 0 when there is no text to train on. */
  readonly stepsPerEpoch: number;
  readonly step: number;
  /** Characters of the text that the model's alphabet does not have. */
  readonly skipped: number;
  /** The file that it came from. */
  readonly name?: string;
  /** Whether what was shown of the model before is still true: it went back to a step of its own. */
  readonly same: boolean;
}

/** A training step. */
export interface Point {
  readonly step: number;
  /** Loss in bits per character. */
  readonly bits: number;
  readonly gradNorm: number;
}

/** States after reading each character: `values[(k * layers + layer) * units + unit]`. */
export interface StateTrace {
  readonly name: string;
  readonly values: Float32Array<ArrayBuffer>;
}

export interface SampleReport {
  readonly step: number;
  readonly temperature: number;
  /** What the model was given to begin with. */
  readonly prompt: string;
  /** Characters of the wished prompt that the alphabet does not have. */
  readonly skipped: string;
  /** K characters that the model wrote. */
  readonly written: readonly string[];
  /** K characters: those that were read before each of the written ones. */
  readonly read: readonly string[];
  readonly layers: number;
  readonly units: number;
  readonly states: readonly StateTrace[];
  /** Bits per character on text that is not trained on, where there is enough of it. */
  readonly heldOutBits?: number;
}

export type Phase = "opening" | "ready" | "preparing" | "training" | "paused" | "done" | "failed";

export interface Failure {
  /** The library's error code, or "OTHER". */
  readonly code: string;
  readonly message: string;
  /** The last step whose weights are kept and can be gone back to. */
  readonly lastGood?: number;
}

/** Worker to page. */
export type Report =
  | { readonly type: "opened"; readonly info: RuntimeInfo }
  | { readonly type: "phase"; readonly phase: Phase }
  | { readonly type: "model"; readonly model: ModelReport }
  | { readonly type: "points"; readonly points: readonly Point[]; readonly charactersPerSecond: number }
  | { readonly type: "sample"; readonly sample: SampleReport }
  | { readonly type: "saved"; readonly bytes: Uint8Array<ArrayBuffer>; readonly name: string }
  | { readonly type: "failure"; readonly failure: Failure };
