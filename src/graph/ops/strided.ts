import { copyStrided, type Four } from "../../kernels/strided-copy.ts";
import type { View } from "../../plan/plan.ts";
import { type Shape, sizeOf } from "../../tensor-data.ts";
import type { Emitter } from "../op.ts";

/** The strides of a tensor of this shape, in elements. */
export const rowStrides = (shape: Shape): number[] => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));

interface Copy {
  readonly label: string;
  readonly shape: Shape;
  readonly from: View;
  readonly strides: readonly number[];
  readonly to: View;
  readonly toStrides: readonly number[];
  readonly accumulate?: boolean;
}

interface Axis {
  readonly length: number;
  readonly stride: number;
  readonly toStride: number;
}

/** A block of any shape from strides to strides: one dispatch, if not more than four axes differ. */
export function emitCopy(e: Emitter, { label, shape, from, strides, to, toStrides, accumulate = false }: Copy): void {
  const axes: Axis[] = [];
  shape.forEach((length, axis) => {
    if (length === 1) return;
    const [stride, toStride] = [strides[axis]!, toStrides[axis]!];
    const before = axes.at(-1);
    if (before?.stride === stride * length && before.toStride === toStride * length)
      axes.splice(-1, 1, { length: before.length * length, stride, toStride });
    else axes.push({ length, stride, toStride });
  });
  const moved = (view: View, by: number): View => ({ ...view, offset: view.offset + by, length: view.length - by });
  const emit = (rest: readonly Axis[], source: View, goal: View): void => {
    const [first, ...others] = rest;
    if (rest.length > 4) {
      for (let i = 0; i < first!.length; i++)
        emit(others, moved(source, i * first!.stride), moved(goal, i * first!.toStride));
      return;
    }
    const all = [...Array<Axis>(4 - rest.length).fill({ length: 1, stride: 0, toStride: 0 }), ...rest];
    const four = (of: (axis: Axis) => number) => all.map(of) as unknown as Four;
    e.emit(
      copyStrided(e.target, {
        label,
        from: source,
        to: goal,
        lengths: four(({ length }) => length),
        strides: four(({ stride }) => stride),
        toStrides: four(({ toStride }) => toStride),
        accumulate,
      }),
    );
  };
  emit(axes, from, to);
}
