/** The published models in `shared/models` beside the repository, and what tests feed them call after call. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NumberArray, SessionInput } from "../../src/index.ts";
import { drawn, numbers, type OnnxNumbers } from "./onnx-graphs.ts";

export interface PublishedModel {
  readonly name: string;
  /** The state's output, the input that it becomes, and its shape. */
  readonly state: { readonly output: string; readonly input: string; readonly shape: readonly number[] };
  /** The output that is compared. */
  readonly output: string;
  /** The inputs of a session. */
  readonly inputs: Readonly<Record<string, SessionInput>>;
  /** What goes in at a call, counted from 1, without the state. */
  at(call: number): Readonly<Record<string, OnnxNumbers>>;
}

/** A voice of twenty harmonics that rises and falls, at 16 kHz. */
function voice(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const t = (start + i) / 16000;
    const phase = 2 * Math.PI * (150 * t - (4 * Math.cos(2 * Math.PI * 0.9 * t)) / 0.9);
    const loud = Math.max(0, Math.sin(2 * Math.PI * 1.7 * t)) * 0.2;
    let sum = 0;
    for (let k = 1; k <= 20; k++) sum += (Math.sin(k * phase) / k) * (k % 5 === 4 ? 2 : 1);
    return Math.fround(loud * sum);
  });
}

export const publishedModels: readonly PublishedModel[] = [
  {
    name: "dtln_1",
    state: { output: "tf_op_layer_stack_2", input: "input_3", shape: [1, 2, 128, 2] },
    output: "activation_2",
    inputs: { input_2: [1, 1, 257] },
    at: (call) => ({ input_2: drawn(`magnitude ${call}`, [1, 1, 257], 0, 2) }),
  },
  {
    name: "dtln_2",
    state: { output: "tf_op_layer_stack_5", input: "input_5", shape: [1, 2, 128, 2] },
    output: "conv1d_3",
    inputs: { input_4: [1, 1, 512] },
    at: (call) => ({ input_4: numbers("FLOAT", voice(call * 128, 512), [1, 1, 512]) }),
  },
  {
    name: "silero_vad_16k_op15",
    state: { output: "stateN", input: "state", shape: [2, 1, 128] },
    output: "output",
    inputs: { input: [1, 576], sr: { shape: [], dtype: "i32" } },
    at: (call) => ({
      input: numbers("FLOAT", voice(call * 512, 576), [1, 576]),
      sr: numbers("INT64", [16000], []),
    }),
  },
];

/** A model's path; undefined where it is absent. */
export function pathOf({ name }: PublishedModel): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/models/${name}.onnx`, import.meta.url));
  return existsSync(path) ? path : undefined;
}

export const absent = ({ name }: PublishedModel) => `there is no ${name}.onnx in shared/models beside the repository`;

/** Calls whose numbers are recorded, and how many numbers of the output are. */
export const recordedCalls = [1, 2, 10, 50, 300] as const;
const MOST_NUMBERS = 16;

/** Some numbers of an output, from all over it. */
export const someOf = (data: ArrayLike<number>): number[] => {
  const step = Math.max(1, Math.floor(data.length / MOST_NUMBERS));
  return Array.from({ length: Math.min(data.length, MOST_NUMBERS) }, (_, i) => data[i * step]!);
};

export interface RecordedModel {
  readonly name: string;
  /** By call. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

export const recordedModels = (): RecordedModel[] =>
  readFileSync(new URL("../recorded/onnx-models.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as RecordedModel);

/** Numbers as a session takes them. */
export const tensorsOf = (inputs: Readonly<Record<string, OnnxNumbers>>) =>
  Object.fromEntries(
    Object.entries(inputs).map(
      ([name, { type, shape, values }]): [string, { shape: readonly number[]; data: NumberArray }] => [
        name,
        { shape, data: type === "FLOAT" || type === "DOUBLE" ? Float32Array.from(values) : Int32Array.from(values) },
      ],
    ),
  );
