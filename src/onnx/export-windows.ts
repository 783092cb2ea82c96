import type { Node, Tensor } from "../graph/tensor.ts";
import { sameShape } from "../tensor-data.ts";
import { type Attribute, type GraphWriter, isFixed, type Length, Refusal } from "./export-graph.ts";
import type { TracedModel, TracedNode } from "./export-trace.ts";

// Convolutions and pooling are several nodes here: windows are gathered, multiplied or compared, and put in order. Where these are
// those that our functions and modules make, they become one Conv, MaxPool or AveragePool.

type Pair = readonly [number, number];

/** Of an op that gathers windows from `[N,C,S1,S2]`, or adds them up to that. */
interface Windows {
  readonly N: number;
  readonly C: number;
  readonly S: Pair;
  readonly K: Pair;
  readonly P: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Pair;
  readonly turned: boolean;
  readonly fill?: number;
}

/** What writes a node, for nodes that belong to something larger; nothing for those in front of its last one. */
export type Larger = ReadonlyMap<Node, (g: GraphWriter) => void>;

/** Finds convolutions and pooling. */
export function findLarger({ nodes, outputs, lengths }: TracedModel): Larger {
  const readers = new Map<Tensor, TracedNode[]>();
  for (const one of nodes)
    for (const input of one.node.inputs) if (input) readers.set(input, [...(readers.get(input) ?? []), one]);
  const ends = new Set(outputs.values());
  /** The only node that reads a tensor. */
  const only = (tensor: Tensor): TracedNode | undefined => {
    const all = readers.get(tensor) ?? [];
    return all.length === 1 && !ends.has(tensor) ? all[0] : undefined;
  };
  const nextOf = (tensor: Tensor, op: string): TracedNode | undefined => {
    const next = only(tensor);
    return next?.node.op.name === op ? next : undefined;
  };
  const larger = new Map<Node, (g: GraphWriter) => void>();
  const become = (parts: readonly TracedNode[], write: (g: GraphWriter) => void) => {
    for (const { node } of parts) larger.set(node, () => {});
    larger.set(parts.at(-1)!.node, write);
  };
  for (const windows of nodes) {
    if (windows.node.op.name !== "windows") continue;
    const all = windows.attributes as readonly Windows[];
    const [{ turned, fill }] = all as [Windows];
    const laidOut = nextOf(windows.node.outputs[0]!, "reshape");
    const use = laidOut && only(laidOut.node.outputs[0]!);
    if (!laidOut || !use) continue;
    const [x] = windows.node.inputs as [Tensor];
    if (turned && use.node.op.name === "linear") {
      become([windows, laidOut, use], (g) => writeOverTime(g, x, all, use.node));
    } else if (!turned && use.node.op.name === "matmul" && fill === 0) {
      const split = nextOf(use.node.outputs[0]!, "reshape");
      const ordered = split && nextOf(split.node.outputs[0]!, "strided");
      if (!ordered) continue;
      // Of one axis the order is the result already.
      const last = nextOf(ordered.node.outputs[0]!, "reshape");
      const parts = [windows, laidOut, use, split, ordered, ...(last ? [last] : [])];
      become(parts, (g) => writeConvolution(g, x, all, use.node, (last ?? ordered).node.outputs[0]!, lengths));
    } else if (!turned && all[0]!.N === 1 && (use.node.op.name === "top-k" || use.node.op.name === "sum"))
      if (isPooling(use, all, readers)) become([windows, laidOut, use], (g) => writePooling(g, x, all, use.node));
  }
  return larger;
}

/** What a tensor is a reshape of. */
const baseOf = (x: Tensor): Tensor => (x.node?.op.name === "reshape" ? x.node.inputs[0]! : x);

/** How many zeros there are behind the last number of an axis. */
function after(all: readonly Windows[], axis: 0 | 1): number {
  const bounds = all.map(({ S, K, P, stride, dilation, padding }) => {
    const least = (P[axis] - 1) * stride[axis] + dilation[axis] * (K[axis] - 1) + 1 - S[axis] - padding[axis];
    return [least, least + stride[axis] - 1] as const;
  });
  const low = Math.max(0, ...bounds.map(([from]) => from));
  const high = Math.min(...bounds.map(([, to]) => to));
  const isOpen = !isFixed(all.map(({ S }) => S[axis]));
  if (low > high || (isOpen && low < high))
    throw new Refusal(
      "windows whose number depends on the length of an open axis in a way that is not known",
      "give that axis a number",
    );
  return low;
}

/** kernel_shape, strides, dilations and pads along some of the two axes. */
function geometry(all: readonly Windows[], axes: readonly (0 | 1)[]): Record<string, Attribute> {
  const [{ K, stride, dilation, padding }] = all as [Windows];
  return {
    kernel_shape: { ints: axes.map((axis) => K[axis]) },
    strides: { ints: axes.map((axis) => stride[axis]) },
    dilations: { ints: axes.map((axis) => dilation[axis]) },
    pads: { ints: [...axes.map((axis) => padding[axis]), ...axes.map((axis) => after(all, axis))] },
  };
}

/** The module Conv1d: of `[S,B,C]`, here `[1,1,S,B*C]`, with weights `[O,C,K]`. */
function writeOverTime(g: GraphWriter, x: Tensor, all: readonly Windows[], node: Node): void {
  const [, weight, bias] = node.inputs as [Tensor, Tensor, Tensor | undefined];
  const C = weight.shape[1]!;
  const axes = [all.map(({ S }) => S[0]), all.map(({ S }) => S[1] / C), all.map(() => C)];
  const from = g.transposed(g.reshape(g.value(x), g.lengths(x), axes), [1, 2, 0], node.label);
  const made = g.node("Conv", [from, g.value(weight), bias && g.value(bias)], {
    attributes: geometry(all, [0]),
    label: node.label,
  });
  g.node("Transpose", [made], { attributes: { perm: { ints: [2, 0, 1] } }, to: node.outputs[0] });
}

function writeConvolution(
  g: GraphWriter,
  x: Tensor,
  all: readonly Windows[],
  product: Node,
  y: Tensor,
  lengths: TracedModel["lengths"],
): void {
  const [a] = product.inputs as [Tensor];
  const [groups, rows] = a.shape as [number, number];
  const [{ C, K }] = all as [Windows];
  const axes: (0 | 1)[] = y.shape.length === 3 ? [1] : [0, 1];
  const kernel = axes.map((axis) => K[axis]);
  const ofAll = (n: number): Length => all.map(() => n);
  const weight = g.reshape(g.value(a), lengths(a), [groups * rows, C / groups, ...kernel].map(ofAll));
  const from = axes.length === 1 ? dropAxis(g, x) : g.value(x);
  const attributes = { ...geometry(all, axes), ...(groups > 1 && { group: { int: groups } }) };
  g.node("Conv", [from, weight], { attributes, to: y });
}

/** `[N,C,1,L]` as `[N,C,L]`. */
function dropAxis(g: GraphWriter, x: Tensor): string {
  const [N, C, , L] = g.lengths(x) as [Length, Length, Length, Length];
  return g.reshape(g.value(x), g.lengths(x), [N, C, L]);
}

interface Reduced {
  readonly K?: number;
  readonly axes?: readonly number[];
  readonly factor?: number;
}

/** Whether it takes the largest, or the mean, of each window. */
function isPooling(
  { node, attributes }: TracedNode,
  all: readonly Windows[],
  readers: ReadonlyMap<Tensor, readonly TracedNode[]>,
): boolean {
  const [of] = attributes as readonly [Reduced];
  const [{ fill = 0, K }] = all as [Windows];
  if (node.op.name === "sum") {
    const isMean = Math.abs(of!.factor! * K[0] * K[1] - 1) < 1e-9;
    return fill === 0 && of!.axes!.join() === "1" && isMean;
  }
  const [, indices] = node.outputs;
  const { smallest } = of as { readonly smallest?: boolean };
  return fill === Number.NEGATIVE_INFINITY && of!.K === 1 && !smallest && !readers.has(indices!);
}

/** MaxPool or AveragePool of `[1,N*C,S1,S2]`. */
function writePooling(g: GraphWriter, x: Tensor, all: readonly Windows[], node: Node): void {
  const from = baseOf(x);
  // As it was given, where that had [N,C,L] or [N,C,H,W].
  const behind = from.shape.slice(2);
  const isImage = behind.length === 2 && sameShape(behind, x.shape.slice(2));
  const isSequence = behind.length === 1 && sameShape(behind, x.shape.slice(3)) && x.shape[2] === 1;
  const axes: (0 | 1)[] = isSequence ? [1] : [0, 1];
  const mean = node.op.name === "sum";
  const attributes = geometry(all, axes);
  if (mean) {
    // AveragePool has no dilations in this opset.
    if (all[0]!.dilation.some((n) => n > 1))
      throw new Refusal("a mean of windows with a dilation", "leave the dilation out");
    delete attributes.dilations;
    attributes.count_include_pad = { int: 1 };
  }
  const own = isImage || isSequence ? from : x;
  const made = g.node(mean ? "AveragePool" : "MaxPool", [g.value(own)], { attributes, label: node.label });
  const [y] = node.outputs as [Tensor];
  const counts = axes.map((axis) => all.map(({ P }) => P[axis]));
  const lengths = [...g.lengths(own).slice(0, 2), ...counts];
  g.source(made, lengths);
  g.reshape(made, lengths, g.lengths(y), y);
}

/** Windows by themselves: one slice for each number of a window. */
export function writeWindows(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  const all = attributes as readonly Windows[];
  const [{ C, K, stride, dilation, padding, turned, fill = 0 }] = all as [Windows];
  const { label } = node;
  const ends = ([0, 1] as const).map((axis) => after(all, axis));
  const isPadded = [...padding, ...ends].some((n) => n > 0);
  const pads = g.ints([0, 0, ...padding, 0, 0, ...ends]);
  const padded = isPadded ? g.node("Pad", [g.value(x), pads, g.scalar(fill)], { label }) : g.value(x);
  const N = all.map((one) => one.N);
  const P = ([0, 1] as const).map((axis) => all.map((one) => one.P[axis]));
  const last = P.map((length, axis) =>
    isFixed(length)
      ? undefined
      : g.node("Mul", [g.node("Sub", [g.length(length), g.ints([1])], { label }), g.ints([stride[axis]!])], { label }),
  );
  const slices: string[] = [];
  for (let k1 = 0; k1 < K[0]; k1++) {
    for (let k2 = 0; k2 < K[1]; k2++) {
      const starts = [k1 * dilation[0], k2 * dilation[1]];
      const end = starts.map((start, axis) =>
        last[axis] === undefined
          ? g.ints([start + (P[axis]![0]! - 1) * stride[axis]! + 1])
          : g.node("Add", [last[axis], g.ints([start + 1])], { label }),
      );
      const both = g.node("Concat", end, { attributes: { axis: { int: 0 } }, label });
      const one = g.node("Slice", [padded, g.ints(starts), both, g.ints([2, 3]), g.ints(stride)], { label });
      slices.push(g.node("Unsqueeze", [one, g.ints([2])], { label }));
    }
  }
  const joined =
    slices.length === 1 ? slices[0]! : g.node("Concat", slices, { attributes: { axis: { int: 2 } }, label });
  const ofAll = (n: number): Length => all.map(() => n);
  const [channels, numbers] = [ofAll(C), ofAll(K[0] * K[1])];
  const perm = turned ? [0, 3, 4, 1, 2] : [1, 2, 0, 3, 4];
  const inOrder = g.node("Transpose", [joined], { attributes: { perm: { ints: perm } }, label });
  const lengths = turned ? [N, ...P, channels, numbers] : [channels, numbers, N, ...P];
  g.reshape(inOrder, lengths, g.lengths(y), y);
}

/** What windows are gathered from, each number the sum of those that show it: a ConvTranspose whose weights are 1 and 0. */
export function writeSumOfWindows(g: GraphWriter, { node, attributes }: TracedNode): void {
  const [x] = node.inputs as [Tensor];
  const [y] = node.outputs as [Tensor];
  const all = attributes as readonly Windows[];
  const [{ C, K, stride, dilation, padding }] = all as [Windows];
  const { label } = node;
  const ofAll = (n: number): Length => all.map(() => n);
  const size = K[0] * K[1];
  const N = all.map((one) => one.N);
  const P = ([0, 1] as const).map((axis) => all.map((one) => one.P[axis]));
  const windows = g.reshape(g.value(x), g.lengths(x), [ofAll(C * size), N, ...P]);
  const images = g.node("Transpose", [windows], { attributes: { perm: { ints: [1, 0, 2, 3] } }, label });
  const places = new Float32Array(C * size * size);
  for (let i = 0; i < C * size; i++) places[i * size + (i % size)] = 1;
  const weight = g.constant(`places.${C}.${K.join(".")}`, [C * size, 1, ...K], places);
  // What is left at the end of each axis, or more of it.
  const rest = ([0, 1] as const).map((axis) =>
    all.map(
      (one) => (one.P[axis] - 1) * stride[axis] + dilation[axis] * (K[axis] - 1) + 1 - padding[axis] - one.S[axis],
    ),
  );
  if (!rest.every(isFixed))
    throw new Refusal("what is cut off depends on the length of an open axis", "give that axis a number");
  g.node("ConvTranspose", [images, weight], {
    attributes: {
      kernel_shape: { ints: [...K] },
      strides: { ints: [...stride] },
      dilations: { ints: [...dilation] },
      group: { int: C },
      pads: { ints: [...padding, ...rest.map(([n]) => Math.max(0, n!))] },
      output_padding: { ints: rest.map(([n]) => Math.max(0, -n!)) },
    },
    to: y,
  });
}
