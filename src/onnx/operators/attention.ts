// Attention as one operator, from version 23 on: https://onnx.ai/onnx/operators/onnx__Attention.html.
import { ShapeError } from "../../errors.ts";
import { functional as F, type Tensor } from "../../index.ts";
import { showShape } from "../../tensor-data.ts";
import type { Call, Operators } from "../operator.ts";
import { deviceOf, type Value } from "../values.ts";

/** `[B,S,heads*C]` as `[B,heads,S,C]`; four axes as they are. */
function inHeads(call: Call, at: number, attribute: string): Tensor {
  const x = call.tensor(at);
  if (x.shape.length === 4) return x;
  const heads = call.number(attribute, 0);
  const [B, S, width = 0] = x.shape;
  if (x.shape.length !== 3 || heads < 1 || width % heads !== 0)
    throw new ShapeError(
      `input ${at} is ${showShape(x.shape)}, expected [B,heads,S,C], or [B,S,heads*C] with ${attribute}, which is ${heads}`,
    );
  return x.reshape([B!, S!, heads, width / heads]).transpose(1, 2);
}

/** Every head as often as there are heads of the queries for it. */
function repeated(x: Tensor, heads: number): Tensor {
  const [B, H, S, C] = x.shape as [number, number, number, number];
  if (H === heads) return x;
  if (heads % H !== 0) throw new ShapeError(`there are ${heads} heads of queries for ${H} heads of keys and values`);
  return x
    .unsqueeze(2)
    .expand([B, H, heads / H, S, C])
    .reshape([B, heads, S, C]);
}

/** Which scores count: those of a mask of booleans, and with is_causal those of no later step; undefined where all do. */
function maskOf(call: Call, S: number, T: number): Tensor | undefined {
  const given = call.inputs[3]?.type === "BOOL" ? call.tensor(3) : undefined;
  if (call.number("is_causal", 0) === 0) return given;
  const before = call.inputs[4]?.shape[2] ?? 0;
  const isSeen = Array.from({ length: S * T }, (_, i) => Number(i % T <= Math.floor(i / T) + before));
  const causal = F.constant(isSeen, { shape: [S, T], dtype: "i32" });
  return given ? F.logicalAnd(given, causal) : causal;
}

/** A score that softmax makes 0. */
const OUT = -1e9;

function attention(call: Call): readonly Value[] {
  const q = inHeads(call, 0, "q_num_heads");
  const withPast = (at: number, own: Tensor) => (call.inputs[at] ? F.concat([call.tensor(at), own], 2) : own);
  const k = withPast(4, inHeads(call, 1, "kv_num_heads"));
  const v = withPast(5, inHeads(call, 2, "kv_num_heads"));
  const [, H, S, C] = q.shape as [number, number, number, number];
  const product = q.matmul(repeated(k, H).transpose(2, 3)).mul(call.number("scale", 1 / Math.sqrt(C)));
  const cap = call.number("softcap", 0);
  const scores = cap === 0 ? product : product.div(cap).tanh().mul(cap);
  const added = call.inputs[3] && call.inputs[3].type !== "BOOL" ? scores.add(call.tensor(3)) : scores;
  const mask = maskOf(call, S, k.shape[2]!);
  // A query that may see nothing has weights of 0.
  const weights = mask ? F.where(mask, added, OUT).softmax(-1).mul(mask) : added.softmax(-1);
  const y = weights.matmul(repeated(v, H));
  const { type, shape } = call.input(0);
  const flat = shape.length === 3 ? y.transpose(1, 2).reshape([shape[0]!, S, -1]) : y;
  return [flat, k, v].map((tensor) => deviceOf(type, tensor));
}

export const attentions: Operators = {
  Attention: {
    inputs: [3, 6],
    // The fourth output, the scores, is not made.
    outputs: [1, 3],
    attributes: {
      is_causal: [0, 1],
      kv_num_heads: "int",
      q_num_heads: "int",
      qk_matmul_output_mode: "int",
      scale: "float",
      softcap: "float",
      softmax_precision: "int",
    },
    device: attention,
  },
};
