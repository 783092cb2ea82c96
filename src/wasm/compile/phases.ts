import type { GraphNode } from "./graph.ts";

// A mean over the units of a row is known when all of them were gone through, so a row is gone through once for each mean that
// depends on another one, and once for the results. What a later phase needs of an earlier one it computes again where that is
// little work, or reads from scratch memory.

export interface Phase {
  /** Means that are known behind this phase. */
  readonly means: readonly GraphNode[];
  /** What it leaves in scratch memory. */
  readonly spilled: readonly GraphNode[];
}

/** More operations than this are not done again. */
const CHEAP = 10;

export interface Schedule {
  readonly phases: readonly Phase[];
  /** In which phase a value is known: 0 where it depends on no mean. */
  level(node: GraphNode): number;
  /** Whether a value is in scratch memory, for phases after its own. */
  isSpilled(node: GraphNode): boolean;
}

export function schedule(results: readonly GraphNode[]): Schedule {
  const levels = new Map<GraphNode, number>();
  /** Operations that make a value of what is in memory, scratch memory included. */
  const cost = new Map<GraphNode, number>();
  const means: GraphNode[] = [];
  const level = (node: GraphNode): number => {
    const known = levels.get(node);
    if (known !== undefined) return known;
    const own = Math.max(0, ...node.args.map(level)) + (node.op === "mean" ? 1 : 0);
    levels.set(node, own);
    if (node.op === "mean") means.push(node);
    const work = node.args.reduce((sum, arg) => sum + (cost.get(arg)! > CHEAP ? 1 : cost.get(arg)!), 1);
    cost.set(node, node.op === "mean" || node.args.length === 0 ? 0 : work);
    return own;
  };
  const last = Math.max(0, ...results.map(level));
  const spilled = new Set<GraphNode>();
  const phases: Phase[] = [];
  for (let phase = last; phase >= 0; phase--) {
    const own = means.filter((mean) => level(mean) === phase + 1);
    const left = [...spilled].filter((node) => level(node) === phase);
    const seen = new Set<GraphNode>();
    const visit = (node: GraphNode): void => {
      if (seen.has(node)) return;
      seen.add(node);
      if (level(node) < phase && cost.get(node)! > CHEAP) spilled.add(node);
      else if (node.op !== "mean") node.args.forEach(visit);
    };
    for (const root of [...own.flatMap(({ args }) => args), ...left, ...(phase === last ? results : [])]) visit(root);
    phases.unshift({ means: own, spilled: left });
  }
  return { phases, level, isSpilled: (node) => spilled.has(node) };
}
