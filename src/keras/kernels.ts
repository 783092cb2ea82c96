import type { NumberArray, TensorData } from "../tensor-data.ts";

// Keras stores a kernel as inputs by outputs, we as PyTorch: outputs first.

/** A Dense kernel `[I,O]` as a Linear's weight `[O,I]`. */
export function transposed({ shape, data }: TensorData): TensorData {
  const [I, O] = shape as [number, number];
  return { shape: [O, I], data: arrange(data, I * O, (i) => (i % I) * O + Math.floor(i / I)) };
}

/** A Conv1D kernel `[K,C,O]` as a Conv1d's weight `[O,C,K]`. */
export function convolutionKernel({ shape, data }: TensorData): TensorData {
  const [K, C, O] = shape as [number, number, number];
  const from = (i: number) => (i % K) * C * O + (Math.floor(i / K) % C) * O + Math.floor(i / (C * K));
  return { shape: [O, C, K], data: arrange(data, K * C * O, from) };
}

function arrange(data: NumberArray, length: number, from: (i: number) => number): Float32Array {
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) out[i] = data[from(i)]!;
  return out;
}
