/** ONNX Runtime as the live tests and the recording use it. Its package is installed in this folder alone. */
import { createRequire } from "node:module";
import type { OnnxNumbers } from "../support/onnx-graphs.ts";

/** What this folder uses of onnxruntime-node, whose types are there only where it is installed. */
interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}
interface RuntimeSession {
  readonly outputNames: readonly string[];
  run(feeds: Record<string, RuntimeTensor>): Promise<Record<string, RuntimeTensor>>;
  release(): Promise<void>;
}
interface Package {
  readonly InferenceSession: {
    create(model: Uint8Array | string, options: object): Promise<RuntimeSession>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => RuntimeTensor;
}

const { InferenceSession, Tensor } = createRequire(import.meta.url)("onnxruntime-node") as Package;

const arrays: Readonly<Record<string, (values: readonly number[]) => unknown>> = {
  FLOAT: (values) => Float32Array.from(values),
  DOUBLE: (values) => Float64Array.from(values),
  INT64: (values) => BigInt64Array.from(values, BigInt),
  INT32: (values) => Int32Array.from(values),
  INT8: (values) => Int8Array.from(values),
  UINT8: (values) => Uint8Array.from(values),
  BOOL: (values) => Uint8Array.from(values),
};
const typeNames: Readonly<Record<string, string>> = { FLOAT: "float32", DOUBLE: "float64" };

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** A model of ONNX Runtime, whose numbers are plain ones. */
export class ReferenceModel {
  readonly #session: RuntimeSession;
  private constructor(session: RuntimeSession) {
    this.#session = session;
  }

  static async open(model: Uint8Array | string): Promise<ReferenceModel> {
    return new ReferenceModel(await InferenceSession.create(model, { logSeverityLevel: 3 }));
  }

  async run(inputs: Readonly<Record<string, OnnxNumbers>>): Promise<Record<string, Numbers>> {
    const feeds = Object.entries(inputs).map(([name, { type, shape, values }]) => {
      const tensor = new Tensor(typeNames[type] ?? type.toLowerCase(), arrays[type]!(values), shape);
      return [name, tensor] as const;
    });
    const results = await this.#session.run(Object.fromEntries(feeds));
    return Object.fromEntries(
      this.#session.outputNames.map((name) => {
        const { dims, data } = results[name]!;
        return [name, { shape: [...dims], data: Array.from(data, Number) }];
      }),
    );
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}
