import { cellNamed } from "../../cells/cell.ts";
import { gatherColumns } from "../../kernels/column-gather.ts";
import { product } from "../../kernels/matmul.ts";
import { bytesOf } from "../../tensor-data.ts";
import type { Emitter, TokenTable } from "../op.ts";
import type { Node, Tensor } from "../tensor.ts";
import { readersOf } from "./readers.ts";
import { inputsOf, type RecurrentNode } from "./recurrent-node.ts";

// An embedding and the W of the layer behind it, as one table: W·x of every token, computed when the weights change. A step then
// looks its token up in place of a look-up and a product.

/** Larger tables are not worth their memory. */
const MOST_BYTES = 2 ** 24;

/** The table `[D,G*H,V]` that a layer takes in place of the output of an embedding, and the tokens; undefined where it does not. */
export function tokenTable(node: RecurrentNode, e: Emitter): TokenTable | undefined {
  if (!takesTable(node, e)) return undefined;
  const { x, wih } = inputsOf(node);
  const [tokens, vectors] = x.node!.inputs as [Tensor, Tensor];
  const [V, I] = vectors.shape as [number, number];
  const [D, rows] = wih.shape as [number, number, number];
  const label = `${node.label} W of tokens`;
  const table = e.derived(
    wih,
    "of tokens",
    D * rows * V,
    (to) =>
      product(e, {
        label,
        size: { M: rows, N: V, K: I, batches: D },
        a: { view: e.view(wih), row: I, column: 1, batch: rows * I },
        b: { view: e.view(vectors), row: 1, column: I },
        c: { view: to, row: V, batch: rows * V },
      }),
    [vectors],
  );
  return { tokens, table, gatherColumns };
}

/** Whether an embedding is read by layers only that take the table: its output is not needed then. */
export function isInTables(embedding: Node, e: Emitter): boolean {
  const [output] = embedding.outputs as [Tensor];
  const readers = readersOf(e, output);
  return (
    readers.length > 0 &&
    !e.ends.includes(output) &&
    readers.every((node) => node.op.name === "recurrent" && takesTable(node as RecurrentNode, e))
  );
}

function takesTable(node: RecurrentNode, e: Emitter): boolean {
  const { x, wih } = inputsOf(node);
  if (x.node?.op.name !== "embedding") return false;
  const vectors = x.node.inputs[1]!;
  const G = cellNamed(node.attributes.cell).gates.length;
  const bytes = bytesOf("f32") * vectors.shape[0]! * node.attributes.D * G * node.attributes.H;
  return (
    bytes <= Math.min(MOST_BYTES, e.target.maxBufferSize) &&
    wih.source?.kind === "parameter" &&
    vectors.source?.kind === "parameter" &&
    !node.outputs.some((output) => e.needsGradient(output))
  );
}
