import type { Module, Runtime, Tensor, TensorData } from "../../index.ts";
import type { StepInputs } from "../step-encoder.ts";

/** How much a step had to do with a score. */
export interface StepInfluence {
  /** The unit of the text, where there is one. */
  readonly unit?: string;
  /** Gradient of the score by the step's input, times the input (Shrikumar et al. 2016): above 0 speaks for it. */
  readonly influence: number;
  /** Norm of that gradient. */
  readonly gradient: number;
}

/** A model whose steps are embedded before they are read. */
export type StepModel = Module & {
  readonly encoder: { readonly inputSize: number; embed(x: StepInputs): Tensor };
  classify(embedded: Tensor, lengths: Tensor): Tensor;
};

/**
 * The influence of every step on a score.
 * @param x inputs of one row, by name, `lengths` among them
 * @param score of what `classify` gives
 */
export async function influencesOf(
  runtime: Runtime,
  model: StepModel,
  x: Readonly<Record<string, TensorData>>,
  score: (logits: Tensor) => Tensor,
): Promise<StepInfluence[]> {
  const T = x.lengths!.data[0]!;
  const C = model.encoder.inputSize;
  const specs = Object.entries(x).map(([name, { shape, data }]) => {
    const dtype = data instanceof Int32Array ? "i32" : "f32";
    return [name, { shape, dtype }] as const;
  });
  // What is added to the embedded steps is 0; the gradient by it is the gradient by them.
  const program = await runtime.compile(model, {
    inputs: { ...Object.fromEntries(specs), probe: { shape: [T, 1, C] } },
    forward: ({ probe, ...given }) => {
      const inputs = given as unknown as StepInputs;
      const embedded = model.encoder.embed(inputs);
      return {
        embedded,
        score: score(model.classify(embedded.add(probe), inputs.lengths))
          .sum()
          .reshape([1]),
      };
    },
    seeds: ["score"],
    gradients: ["probe"],
  });
  try {
    const probe = { shape: [T, 1, C], data: new Float32Array(T * C) };
    const given = { ...x, probe, "gradient.score": { shape: [1], data: Float32Array.of(1) } };
    const result: Readonly<Record<string, TensorData>> = await program.run(given as never);
    const [embedded, gradient] = [result.embedded!.data, result["grad.probe"]!.data];
    return Array.from({ length: T }, (_, t) => {
      const own = Array.from({ length: C }, (__, c) => t * C + c);
      return {
        influence: own.reduce((sum, i) => sum + gradient[i]! * embedded[i]!, 0),
        gradient: Math.hypot(...own.map((i) => gradient[i]!)),
      };
    });
  } finally {
    program.dispose();
  }
}
