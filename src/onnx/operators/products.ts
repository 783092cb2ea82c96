// Matrix products.
import { linear } from "../../graph/ops/linear.ts";
import { functional as F, type Tensor } from "../../index.ts";
import type { Call, Operators } from "../operator.ts";
import { deviceOf } from "../values.ts";

/** Y = alpha·A·B + beta·C, with A and B transposed where that is asked for. */
function gemm(call: Call): Tensor {
  const [alpha, beta] = [call.number("alpha", 1), call.number("beta", 1)];
  const turned = (x: Tensor, attribute: string) => (call.number(attribute, 0) === 1 ? x.transpose() : x);
  const a = turned(call.tensor(0), "transA");
  const b = call.tensor(1);
  const c = call.inputs[2] && beta !== 0 ? call.tensor(2) : undefined;
  // PyTorch's Linear: one dispatch.
  if (call.number("transB", 0) === 1 && alpha === 1) {
    const isBias = c?.shape.length === 1 && c.size === b.shape[0] && beta === 1;
    if (isBias && a.shape.at(-1) === b.shape[1]) return linear(call.title, a, b, c);
  }
  const product = a.matmul(turned(b, "transB"));
  const scaled = alpha === 1 ? product : product.mul(alpha);
  return c ? scaled.add(beta === 1 ? c : c.mul(beta)) : scaled;
}

export const products: Operators = {
  MatMul: { inputs: 2, device: (call) => [deviceOf(call.input(0).type, call.tensor(0).matmul(call.tensor(1)))] },
  Gemm: {
    inputs: [2, 3],
    attributes: { alpha: "float", beta: "float", transA: [0, 1], transB: [0, 1] },
    device: (call) => [deviceOf(call.input(0).type, gemm(call))],
  },
  Einsum: {
    inputs: [1, 2],
    attributes: { equation: "string" },
    device: (call) => [
      deviceOf(call.input(0).type, F.einsum(call.text("equation", ""), ...call.inputs.map((_, i) => call.tensor(i)))),
    ],
  },
};
