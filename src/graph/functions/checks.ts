import { OptionError, ShapeError, shown } from "../../errors.ts";
import { type Shape, showShape } from "../../tensor-data.ts";
import type { Operand } from "../ops/pointwise.ts";
import { shownTensor, Tensor } from "../tensor.ts";

// What the functions of tensors ask of what they are given.

/** @throws ShapeError for anything but a symbolic tensor */
export function expectAny(what: string, x: unknown, expected = "a symbolic tensor"): Tensor {
  if (x instanceof Tensor) return x;
  throw new ShapeError(`${what} is ${shownTensor(x)}, expected ${expected}`);
}

/** @throws ShapeError for anything but a symbolic tensor or a plain number */
export function expectOperand(what: string, x: unknown): Operand {
  if (typeof x === "number") return x;
  return expectAny(what, x, "a symbolic tensor or a number");
}

/** The axis counted from the front. @throws ShapeError when there is no such axis */
export function axisOf(what: string, axis: unknown, { length }: Shape): number {
  const given = axis as number;
  if (!Number.isInteger(given) || given < -length || given >= length) {
    throw new ShapeError(
      `${what}: axis is ${shown(axis)}, expected a whole number from ${-length} to ${length - 1} for ${length} axes`,
    );
  }
  return given < 0 ? given + length : given;
}

/** Axes counted from the front, ascending; all of them where none is given. @throws ShapeError for one that is not there, or is twice */
export function axesOf(what: string, axes: number | readonly number[] | undefined, shape: Shape): number[] {
  if (axes === undefined) return shape.map((_, axis) => axis);
  const found = (Array.isArray(axes) ? axes : [axes]).map((axis) => axisOf(what, axis, shape));
  if (new Set(found).size < found.length)
    throw new ShapeError(`${what}: axes are ${shown(axes)} of ${showShape(shape)}, expected each axis once`);
  return found.sort((a, b) => a - b);
}

/** @throws OptionError for what is no list of whole numbers of at least `least` */
export function expectCounts(what: string, name: string, counts: unknown, least = 1): readonly number[] {
  const fits = Array.isArray(counts) && counts.every((n) => Number.isSafeInteger(n) && n >= least);
  if (!fits)
    throw new OptionError(
      `${what}: ${name} is ${shown(counts)}, expected a list of whole numbers of at least ${least}`,
    );
  return counts;
}
