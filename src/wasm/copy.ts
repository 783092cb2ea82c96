import type { stridedCopy } from "../kernels/strided-copy.ts";
import { type Call, Calls } from "./calls.ts";
import type { NativeOf } from "./native.ts";

/** An axis of a copy: its length and its strides in bytes. */
interface Axis {
  readonly n: number;
  readonly s: number;
  readonly t: number;
}

/** Four axes for the same numbers, the one that is written in order innermost; those that are one in memory become one. */
function arranged(given: readonly Axis[]): readonly Axis[] {
  const axes: Axis[] = [];
  for (const axis of given.filter(({ n }) => n !== 1).sort((a, b) => Math.abs(b.t) - Math.abs(a.t))) {
    const outer = axes.at(-1);
    if (outer && outer.s === axis.n * axis.s && outer.t === axis.n * axis.t)
      axes[axes.length - 1] = { ...axis, n: outer.n * axis.n };
    else axes.push(axis);
  }
  // Beside it the one that is read in order, for a transpose.
  const inner = axes.pop();
  const read = axes.findIndex(({ s }) => s === 4);
  if (inner && inner.s !== 4 && read >= 0) axes.push(...axes.splice(read, 1));
  if (inner) axes.push(inner);
  while (axes.length < 4) axes.unshift({ n: 1, s: 0, t: 0 });
  return axes;
}

const copy: NativeOf<typeof stridedCopy> = (at, p, { wasm }) => {
  const source = at.source + 4 * p.start;
  const to = at.to + 4 * p.toStart;
  const strides = [
    { n: p.n0, s: 4 * p.s0, t: 4 * p.t0 },
    { n: p.n1, s: 4 * p.s1, t: 4 * p.t1 },
    { n: p.n2, s: 4 * p.s2, t: 4 * p.t2 },
    { n: p.n3, s: 4 * p.s3, t: 4 * p.t3 },
  ];
  const calls = new Calls();
  const add = (from: number, axes: readonly Axis[], onto: number) => {
    const n = axes.map((axis) => axis.n);
    const s = axes.map((axis) => axis.s);
    const t = axes.map((axis) => axis.t);
    calls.add(wasm.copyStrided as Call, ...n, from, ...s, onto, ...t, p.accumulate);
  };
  add(source, arranged(strides), to);
  if (p.padded > p.n3 && !p.accumulate) {
    const lengths = [p.n0, p.n1, p.n2, p.padded - p.n3];
    const zeros = strides.map(({ t }, i) => ({ n: lengths[i]!, s: 0, t }));
    add(wasm.zero(), arranged(zeros), to + 4 * p.n3 * p.t3);
  }
  return calls.run;
};

export const copyNatives = { "strided-copy": copy };
