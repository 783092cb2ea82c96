/** Attention as one operator, with what it may be given. */
import { type OnnxCase, one } from "./onnx-cases.ts";
import { type AttributeValue, drawn, numbers } from "./onnx-graphs.ts";

const x = (name: string, ...shape: number[]) => drawn(`${name}${shape}`, shape);
const attention = (
  inputs: Parameters<typeof one>[1],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  outputs = 1,
) => one("Attention", inputs, { opset: 23, attributes, outputs });
const [q, k, v] = [x("q", 2, 2, 3, 4), x("k", 2, 2, 5, 4), x("v", 2, 2, 5, 3)];
/** The second query sees nothing. */
const mask = numbers("BOOL", [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1], [3, 5]);
/** Three queries of four heads, two heads of keys and values. */
const flat = [x("q", 2, 3, 16), x("k", 2, 3, 8), x("v", 2, 3, 6)] as const;

export const attentionCases: readonly OnnxCase[] = [
  attention([q, k, v]),
  attention([q, k, v, x("mask", 3, 5)], { scale: { float: 0.7 }, softcap: { float: 1.5 } }),
  attention([q, k, v, mask]),
  attention([...flat], { q_num_heads: 4, kv_num_heads: 2, is_causal: 1 }),
  attention(
    [
      x("q", 1, 4, 2, 4),
      x("k", 1, 2, 2, 4),
      x("v", 1, 2, 2, 3),
      undefined,
      x("before", 1, 2, 3, 4),
      x("before", 1, 2, 3, 3),
    ],
    { is_causal: 1 },
    3,
  ),
];
