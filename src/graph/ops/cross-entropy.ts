import { meanCrossEntropy } from "../../kernels/cross-entropy.ts";
import { product } from "../../kernels/matmul.ts";
import type { View } from "../../plan/plan.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";

interface Attributes {
  readonly N: number;
  readonly V: number;
  readonly ignoreIndex: number;
}

// Forward leaves the gradient behind, since softmax is at hand; backward hands it on. When the scheduler differentiates the
// loss itself, the gradient by the loss is 1 and stands nowhere; otherwise the one that is given is multiplied in.
const op: Op<Attributes, View | undefined> = {
  name: "cross-entropy",
  takes: ({ attributes }) => [{ input: 1, what: "token", below: attributes.V, also: attributes.ignoreIndex }],
  forward({ inputs: [logits, targets], outputs: [loss, count], attributes, label }, e) {
    const gradient = e.needsGradient(logits) ? e.scratch(`${label} gradient`, attributes.N * attributes.V) : undefined;
    const views = {
      logits: e.view(logits!),
      targets: e.view(targets!),
      count: e.place(count!, `${label} count`),
      rowLoss: e.scratch(`${label} rows`, attributes.N),
      loss: e.place(loss!, label),
      gradient,
      unused: gradient ?? e.scratch("unused", 4),
    };
    e.emit(...meanCrossEntropy(e.target, label, attributes, views));
    return gradient;
  },
  backward({ inputs: [logits], outputs: [loss], label }, e, gradient) {
    if (!gradient || !e.needsGradient(logits)) return;
    const by = e.gradient(loss!);
    if (!by) {
      e.contribute(logits, gradient);
      return;
    }
    const { view, accumulate } = e.gradientInto(logits);
    e.emit(
      product(e.target, {
        label: `${label} gradient`,
        size: { M: 1, N: logits.size, K: 1 },
        a: { view: by, row: 1, column: 1 },
        b: { view: gradient, row: logits.size, column: 1 },
        c: { view, row: logits.size },
        accumulate,
      }),
    );
  },
};

/**
 * Mean softmax cross-entropy of `logits [..., V]` against `targets [...]` (i32), as torch.nn.functional.cross_entropy.
 * Returns the loss in nats and how many targets were not `ignoreIndex`.
 */
export function softmaxCrossEntropy(
  label: string,
  logits: Tensor,
  targets: Tensor,
  ignoreIndex: number,
): { loss: Tensor; count: Tensor } {
  const V = logits.shape.at(-1)!;
  const [loss, count] = apply(op, label, [logits, targets], [{ shape: [] }, { shape: [] }], {
    N: logits.size / V,
    V,
    ignoreIndex,
  });
  return { loss: loss!, count: count! };
}
