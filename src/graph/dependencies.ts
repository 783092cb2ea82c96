import type { Node, Tensor } from "./tensor.ts";

/** All nodes that the tensors depend on, in the order in which they can run. */
export function nodesBefore(tensors: Iterable<Tensor>): Node[] {
  const found = new Set<Node>();
  const open = [...tensors];
  for (let tensor = open.pop(); tensor; tensor = open.pop()) {
    if (!tensor.node || found.has(tensor.node)) continue;
    found.add(tensor.node);
    for (const input of tensor.node.inputs) if (input) open.push(input);
  }
  return [...found].sort((a, b) => a.id - b.id);
}

/** Tensors that a gradient passes through: on a way from one that `isStart` differentiates by to one of `ends`. */
export function differentiableTensors(ends: readonly Tensor[], isStart: (tensor: Tensor) => boolean): Set<Tensor> {
  const found = new Set<Tensor>(ends.filter(isStart));
  for (const { inputs, outputs, op } of nodesBefore(ends)) {
    const given = inputs.filter((tensor) => tensor !== undefined);
    for (const tensor of given) if (isStart(tensor)) found.add(tensor);
    const hasGradient = op.backward || op.backwardElsewhere;
    if (!hasGradient || !given.some((tensor) => found.has(tensor))) continue;
    for (const tensor of outputs) if (tensor.dtype === "f32") found.add(tensor);
  }
  return found;
}
