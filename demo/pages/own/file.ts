/** What is known of a file before it runs. */
import type { TensorData } from "webgpu-rnn";
import { RandomStream } from "webgpu-rnn";
import type { Layer } from "./layers.ts";
import type { OwnModel } from "./program.ts";

export interface TensorRow {
  readonly name: string;
  /** As the file says it, such as F32. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

export interface FileFacts {
  readonly name: string;
  readonly bytes: number;
  readonly kind: "weights" | "characters" | "task" | "training" | "pytorch" | "onnx";
  /** Of a task its kind, of an ONNX file what wrote it, of a PyTorch file the place of the state dict. */
  readonly detail?: string;
  readonly tensors: readonly TensorRow[];
  readonly layers: readonly Omit<Layer, "make">[];
  /** Of an ONNX graph: how often each operator is there. */
  readonly operators?: Readonly<Record<string, number>>;
  /** Tensors that belong to no layer that is known. */
  readonly others: readonly string[];
  /** Whether the whole is rebuilt as it was, and not only its layers. */
  readonly isWhole: boolean;
}

export interface ReadFile {
  readonly facts: FileFacts;
  /** Absent where nothing in it can run. */
  readonly model?: OwnModel;
}

export interface ReadOptions {
  readonly name: string;
  /** Of the made-up inputs. */
  readonly seed: number;
  /** T: how many steps the inputs have. */
  readonly steps: number;
}

/** A kind of file: a module in readers/ that is loaded when there is such a file. */
export type Reader = (bytes: Uint8Array<ArrayBuffer>, options: ReadOptions) => Promise<ReadFile>;

/** Made-up inputs. */
export class MadeUp {
  readonly #random: RandomStream;
  constructor(seed: number) {
    this.#random = new RandomStream(seed, "inputs");
  }
  numbers(...shape: number[]): TensorData {
    const length = shape.reduce((product, n) => product * n, 1);
    return { shape, data: Float32Array.from({ length }, () => this.#random.normal()) };
  }
  tokens(count: number, ...shape: number[]): TensorData {
    const length = shape.reduce((product, n) => product * n, 1);
    return { shape, data: Int32Array.from({ length }, () => Math.floor(this.#random.next() * count)) };
  }
}

export const withoutMake = (layers: readonly Layer[]): Omit<Layer, "make">[] =>
  layers.map(({ make: _, ...rest }) => rest);
