/**
 * What users wait for: training steps, a forward call, a call of one step, generated text. Only the public API is used, and
 * the library is an argument, so that the same file measures an older checkout (bench/compare.ts).
 */
import type * as Library from "../src/node.ts";
import type { Ready } from "./measure.ts";
import { roundsOf } from "./rounds.ts";

type Webgpu = typeof Library;

export interface Workload {
  readonly name: string;
  /** Units of work in one unit of time, for people: tokens of a step, characters of a text. */
  readonly tokens: number;
  /** With its pipelines compiled and its weights on the device. */
  prepare(runtime: Library.Runtime): Promise<Ready>;
}

/** What a session needs of a runtime; checkouts from before sessions have none. */
interface HasSession {
  session(
    model: Library.Module,
    options: { inputs: Record<string, readonly number[]>; streams: number },
  ): Promise<{
    run(inputs: Library.StateDict): Promise<unknown>;
    dispose(): void;
  }>;
}

async function drain(all: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of all);
}

const floats = (...shape: number[]): Library.TensorData => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
});

const vocabSize = 96;

/** Starts steps before the last one's loss is read. Older checkouts refuse the option, because they always do so. */
async function startsAhead(trainer: Library.Trainer, windows: Library.Windows): Promise<{ ahead?: number }> {
  const options = { ahead: 3 };
  try {
    await drain(trainer.fit(windows.from(0), { ...options, steps: 0 }));
    return options;
  } catch {
    return {};
  }
}

/** Whole training steps of the character model, Adam and clipping included. */
function training(
  { adam, CharModel, Windows }: Webgpu,
  [T, B, E, H]: readonly [number, number, number, number],
  cell: Library.CharModelCell = "lstm",
): Workload {
  return {
    name: `training step of ${cell}, T ${T}, B ${B}, E ${E}, H ${H}`,
    tokens: T * B,
    async prepare(runtime) {
      const model = new CharModel({ vocabSize, cell, embeddingDim: E, hiddenSize: H });
      const trainer = runtime.trainer(model, { optimizer: adam(), clipNorm: 1 });
      const tokens = Int32Array.from({ length: T * B * 4 + 1 }, (_, i) => (i * i + 7 * i) % vocabSize);
      const windows = new Windows(tokens, { window: T, batch: B });
      const ahead = await startsAhead(trainer, windows);
      const fit = (steps: number) => drain(trainer.fit(windows.from(0), { steps, ...ahead }));
      return { round: await roundsOf(fit), dispose: () => trainer.dispose() };
    },
  };
}

/** An LSTM layer over a sequence of one row, from zeros. */
function forward({ LSTM }: Webgpu, T: number, H: number): Workload {
  return {
    name: `forward of lstm, T ${T}, B 1, H ${H}`,
    tokens: T,
    async prepare(runtime) {
      const model = new LSTM({ inputSize: H, hiddenSize: H });
      const program = await runtime.compile(model, {
        inputs: { x: { shape: [T, 1, H] } },
        forward: ({ x }) => ({ output: model.forward(x).output }),
      });
      const x = floats(T, 1, H);
      const calls = async (count: number) => {
        for (let i = 0; i < count; i++) await program.run({ x });
      };
      return { round: await roundsOf(calls), dispose: () => program.dispose() };
    },
  };
}

/** One step a call, the state kept between calls: in a session, or where there is none through inputs and outputs. */
function oneStep({ Linear, LSTM, Module, Tensor }: Webgpu, H: number): Workload {
  class Stream extends Module {
    readonly lstm = new LSTM({ inputSize: H, hiddenSize: H });
    readonly head = new Linear({ inFeatures: H, outFeatures: 8 });

    forward(given: Library.Tensor | { x: Library.Tensor }, before?: Library.LSTMState) {
      const { output, state } = this.lstm.forward(given instanceof Tensor ? given : given.x, before);
      return { scores: this.head.forward(output), state };
    }
  }
  return {
    name: `session call of lstm and head, T 1, B 1, H ${H}`,
    tokens: 1,
    async prepare(runtime) {
      const model = new Stream();
      const x = floats(1, 1, H);
      let call: () => Promise<unknown>;
      let held: { dispose(): void };
      if ("session" in runtime) {
        const session = await (runtime as unknown as HasSession).session(model, {
          inputs: { x: [1, 1, H] },
          streams: 1,
        });
        call = () => session.run({ x });
        held = session;
      } else {
        const state = { shape: [1, 1, H] };
        const program = await (runtime as Library.Runtime).compile(model, {
          inputs: { x: { shape: [1, 1, H] }, h: state, c: state },
          forward({ x: given, h, c }) {
            const { scores, state: after } = model.forward(given, { h, c });
            return { scores, afterH: after.h, afterC: after.c };
          },
        });
        const zeros = { shape: state.shape, data: new Float32Array(H) };
        let before: { h: Library.TensorData; c: Library.TensorData } = { h: zeros, c: zeros };
        call = async () => {
          const { afterH, afterC } = await program.run({ x, ...before });
          before = { h: afterH, c: afterC };
        };
        held = program;
      }
      const calls = async (count: number) => {
        for (let i = 0; i < count; i++) await call();
      };
      return { round: await roundsOf(calls), dispose: () => held.dispose() };
    },
  };
}

/** Characters that are drawn one after the other and read in chunks. */
function generation({ CharModel }: Webgpu, length: number, H: number): Workload {
  return {
    name: `${length} generated characters of lstm, H ${H}`,
    tokens: length,
    async prepare(runtime) {
      const model = new CharModel({ vocabSize, hiddenSize: H });
      const texts = async (count: number) => {
        for (let i = 0; i < count; i++)
          await drain(runtime.generate(model, { prompt: [1], length, temperature: 0.8, seed: 1 }));
      };
      return { round: await roundsOf(texts), dispose: () => {} };
    },
  };
}

/** The workloads that comparisons are made of, then training steps of other cells. */
export const workloadsOf = (library: Webgpu): readonly Workload[] => [
  training(library, [16, 32, 64, 128]),
  training(library, [64, 64, 128, 256]),
  forward(library, 64, 128),
  oneStep(library, 128),
  generation(library, 1000, 128),
  training(library, [64, 32, 64, 128], "gru"),
  training(library, [64, 32, 64, 128], "rnn_tanh"),
];

/** How many of `workloadsOf` comparisons are made of. */
export const COMPARED = 5;
