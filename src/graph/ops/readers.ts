import type { Emitter } from "../op.ts";
import type { Node, Tensor } from "../tensor.ts";

const known = new WeakMap<Emitter, ReadonlyMap<Tensor, readonly Node[]>>();

/** The ops of a plan that read a tensor. */
export function readersOf(e: Emitter, tensor: Tensor): readonly Node[] {
  const all = known.get(e) ?? indexOf(e.nodes);
  known.set(e, all);
  return all.get(tensor) ?? [];
}

function indexOf(nodes: readonly Node[]): Map<Tensor, Node[]> {
  const readers = new Map<Tensor, Node[]>();
  for (const node of nodes) {
    for (const input of new Set(node.inputs)) {
      if (!input) continue;
      const list = readers.get(input) ?? [];
      list.push(node);
      readers.set(input, list);
    }
  }
  return readers;
}
