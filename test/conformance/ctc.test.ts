/** Losses and gradients of CTC that warp-ctc and Keras test with. */
import { expect } from "vitest";
import { ctc, Linear, type Runtime, type StateDict, type TensorData } from "../../src/index.ts";
import { describeSuite } from "./vectors.ts";

interface Case {
  readonly source: string;
  readonly layout: string;
  readonly blank: number;
  /** Probabilities, flat; or logits `[N,T,C]`. */
  readonly probs?: readonly number[];
  readonly logits?: readonly (readonly (readonly number[])[])[];
  readonly labels: readonly (readonly number[])[];
  readonly input_lengths: readonly number[];
  readonly loss: readonly number[];
  readonly grad_wrt_logits?: readonly number[];
  readonly atol?: number;
  readonly T?: number;
  readonly N?: number;
  readonly C?: number;
}

/** Logits `[T,B,C]`. */
function logitsOf({ probs, logits, T, N, C }: Case): TensorData {
  if (probs) return { shape: [T!, N!, C!], data: Float64Array.from(probs, Math.log) };
  const [B, steps, classes] = [logits!.length, logits![0]!.length, logits![0]![0]!.length];
  const flat = Array.from({ length: steps }, (_, t) => logits!.map((sequence) => sequence[t]!)).flat(2);
  return { shape: [steps, B, classes], data: Float64Array.from(flat) };
}

/** The sum of the losses of some of a case's sequences, and its gradient. */
async function lossOf(runtime: Runtime, given: Case, sequences: readonly number[]) {
  const { shape, data } = logitsOf(given);
  const [T, N, C] = shape as [number, number, number];
  const [B, S] = [sequences.length, Math.max(...given.labels.map(({ length }) => length))];
  const rows = Array.from({ length: T }, (_, t) =>
    sequences.map((n) => data.slice((t * N + n) * C, (t * N + n + 1) * C)),
  );
  const i32 = (...values: number[]) => Int32Array.from(values);
  const inputs: StateDict = {
    logits: { shape: [T, B, C], data: Float64Array.from(rows.flat().flatMap((row) => [...row])) },
    labels: {
      shape: [B, S],
      data: i32(...sequences.flatMap((n) => Array.from({ length: S }, (_, s) => given.labels[n]![s] ?? -1))),
    },
    steps: { shape: [B], data: i32(...sequences.map((n) => given.input_lengths[n]!)) },
    counts: { shape: [B], data: i32(...sequences.map((n) => given.labels[n]!.length)) },
  };
  const shapes = Object.entries(inputs).map(([name, tensor]) => [
    name,
    { shape: tensor.shape, dtype: tensor.data instanceof Int32Array ? ("i32" as const) : ("f32" as const) },
  ]);
  // A program belongs to a model; this one has no part in it.
  const program = await runtime.compile(new Linear({ inFeatures: 1, outFeatures: 1 }), {
    inputs: Object.fromEntries(shapes),
    forward: ({ logits, labels, steps, counts }) => ({
      loss: ctc({ blank: given.blank, reduction: "sum" }).apply(logits!, labels!, {
        inputLengths: steps!,
        targetLengths: counts!,
      }).loss,
    }),
    seeds: ["loss"],
    gradients: ["logits"],
  });
  const results = await program.run({ ...inputs, "gradient.loss": { shape: [], data: Float64Array.of(1) } });
  program.dispose();
  return { loss: results.loss!.data[0]!, gradient: results["grad.logits"]!.data };
}

describeSuite<{ readonly cases: readonly Case[] }, Case>({
  file: "ctc_loss",
  casesOf: ({ cases }) => cases,
  nameOf: ({ source }) => source,
  counts: { cases: 2, passed: 2, notApplicable: 0 },
  async run(given, runtime) {
    // Where the suite states none: numpy's assert_allclose as Keras calls it.
    const allowed = (want: number) => given.atol ?? 1e-6 + 1e-6 * Math.abs(want);
    for (const [n, want] of given.loss.entries()) {
      const { loss } = await lossOf(runtime, given, [n]);
      expect(Math.abs(loss - want), `loss of sequence ${n}`).toBeLessThan(allowed(want));
    }
    const { loss, gradient } = await lossOf(
      runtime,
      given,
      given.loss.map((_, n) => n),
    );
    expect(Math.abs(loss - given.loss.reduce((a, b) => a + b))).toBeLessThan(2 * allowed(loss));
    given.grad_wrt_logits?.forEach((want, i) => {
      expect(Math.abs(gradient[i]! - want), `gradient[${i}]`).toBeLessThan(allowed(want));
    });
    expect(gradient.length).toBe(given.grad_wrt_logits?.length ?? gradient.length);
  },
});
