import { gatherRows, scatterRows } from "../../kernels/embedding.ts";
import type { Op } from "../op.ts";
import { apply, type Tensor } from "../tensor.ts";
import { groupedTokens } from "./grouped-tokens.ts";
import { TOKEN } from "./number-kinds.ts";
import type { RecurrentNode } from "./recurrent-node.ts";
import { isInTables, tokenTable } from "./token-table.ts";

interface Sizes {
  readonly N: number;
  readonly E: number;
  readonly V: number;
}

const op: Op<Sizes> = {
  name: "embedding",
  takes: ({ attributes }) => [{ input: 0, kind: TOKEN, below: attributes.V }],
  tokenTable: (reader, e) => tokenTable(reader as RecurrentNode, e),
  forward(node, e) {
    if (isInTables(node, e)) return;
    const { inputs, outputs, attributes, label } = node;
    const [tokens, table] = inputs;
    const [output] = outputs;
    const views = { tokens: e.view(tokens!), table: e.view(table!), output: e.allocate(output!, label) };
    e.emit(gatherRows(e.target, label, attributes, views));
  },
  backward({ inputs: [tokens, table], outputs: [output], attributes, label }, e) {
    const outputGradient = e.gradient(output!);
    if (!outputGradient || !e.needsGradient(table)) return;
    const { view, accumulate } = e.gradientInto(table);
    if (!accumulate) e.emit({ type: "clear", label: `${label} gradient`, to: view });
    const views = { ...groupedTokens(e, tokens!, attributes), outputGradient, gradient: view };
    e.emit(scatterRows(e.target, `${label} backward`, attributes, views));
  },
};

/** Rows of `table [V,E]` by `tokens` of any shape (i32): the result has one axis more, E. */
export function embedding(label: string, tokens: Tensor, table: Tensor): Tensor {
  const [V, E] = table.shape as [number, number];
  return apply(op, label, [tokens, table], [{ shape: [...tokens.shape, E] }], { N: tokens.size, E, V })[0]!;
}
