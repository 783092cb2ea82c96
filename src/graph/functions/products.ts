import { OptionError, ShapeError, shown } from "../../errors.ts";
import { type Shape, showShape, sizeOf } from "../../tensor-data.ts";
import { permute, reshape } from "../ops/layout.ts";
import { matmul as matmulOp } from "../ops/matmul.ts";
import { broadcastShapes, pointwise, sum } from "../ops/pointwise.ts";
import type { Tensor } from "../tensor.ts";
import { toFloat } from "./arithmetic.ts";
import { expectAny } from "./checks.ts";

/**
 * The matrix product of the last two axes, as [torch.matmul](https://docs.pytorch.org/docs/stable/generated/torch.matmul.html): axes
 * before them are batches and are broadcast; a vector stands for one row (`a`) or one column (`b`), which the result lacks.
 * @param a `[..., M, K]` or `[K]`
 * @param b `[..., K, N]` or `[K]`
 * @returns `[..., M, N]`
 * @throws ShapeError when the sizes do not fit
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const [left, right] = [toFloat(expectAny("matmul: a", a)), toFloat(expectAny("matmul: b", b))];
  if (left.shape.length === 0 || right.shape.length === 0)
    throw new ShapeError(
      `matmul: a is ${showShape(a.shape)}, b ${showShape(b.shape)}, expected at least one axis each; for scalars use mul`,
    );
  const rows = left.shape.length === 1 ? reshape(left, [1, left.size]) : left;
  const columns = right.shape.length === 1 ? reshape(right, [right.size, 1]) : right;
  const [M, K] = rows.shape.slice(-2) as [number, number];
  const [inner, N] = columns.shape.slice(-2) as [number, number];
  if (K !== inner)
    throw new ShapeError(
      `matmul: a is ${showShape(a.shape)}, b ${showShape(b.shape)}: a has ${K} columns and b ${inner} rows, expected as many`,
    );
  const batches = columns.shape.slice(0, -2);
  const shape = broadcastShapes("matmul", [rows.shape.slice(0, -2), batches]);
  const y =
    sizeOf(batches) === 1
      ? // One matrix for all: all rows are those of one product.
        matmulOp("matmul", reshape(rows, [1, rows.size / K, K]), reshape(columns, [1, K, N]))
      : matmulOp("matmul", batched(rows, shape), batched(columns, shape));
  const last = [...(left.shape.length === 1 ? [] : [M]), ...(right.shape.length === 1 ? [] : [N])];
  return reshape(y, [...shape, ...last]);
}

/** Matrices as `[Z,rows,columns]`, repeated where they are broadcast. */
function batched(x: Tensor, batches: Shape): Tensor {
  const matrix = x.shape.slice(-2);
  const whole = [...batches, ...matrix];
  const repeated = x.size === sizeOf(whole) ? x : pointwise("expand", "expand", [x], whole);
  return reshape(repeated, [sizeOf(batches), ...matrix]);
}

/**
 * Sums of products by index letters, of one tensor or two, as [torch.einsum](https://docs.pytorch.org/docs/stable/generated/torch.einsum.html):
 * `einsum("tbh,sbh->bts", q, k)`. A letter that the result lacks is summed over; without `->` the result has the letters that
 * stand once, in alphabetical order.
 * @throws OptionError for an equation that makes no sense; ShapeError when a letter has two lengths
 */
export function einsum(equation: string, ...tensors: readonly Tensor[]): Tensor {
  const fault = (why: string) => new OptionError(`einsum: ${shown(equation)}: ${why}`);
  const [, left, right] =
    /^([a-zA-Z]*(?:,[a-zA-Z]*)?)(?:->([a-zA-Z]*))?$/.exec(String(equation).replaceAll(" ", "")) ?? [];
  if (left === undefined) throw fault('expected letters for the axes of one or two tensors, such as "tbh,sbh->bts"');
  const terms = left.split(",");
  if (terms.length !== tensors.length) throw fault(`it names ${terms.length} tensors, and ${tensors.length} are given`);
  const once = [...left.replace(",", "")].filter(
    (letter, _, all) => all.filter((other) => other === letter).length === 1,
  );
  const output = right ?? once.sort().join("");
  const lengths = new Map<string, number>();
  const inputs = terms.map((letters, i) => {
    const x = toFloat(expectAny(`einsum: tensor ${i}`, tensors[i]));
    if (new Set(letters).size !== letters.length)
      throw fault(`"${letters}" has a letter twice, which is not supported`);
    if (x.shape.length !== letters.length)
      throw new ShapeError(
        `einsum: ${shown(equation)}: "${letters}" has ${letters.length} axes, tensor ${i} is ${showShape(x.shape)}`,
      );
    [...letters].forEach((letter, axis) => {
      const known = lengths.get(letter) ?? x.shape[axis]!;
      if (known !== x.shape[axis])
        throw new ShapeError(
          `einsum: ${shown(equation)}: ${letter} is ${known} and ${x.shape[axis]}, expected one length`,
        );
      lengths.set(letter, known);
    });
    return { letters, x };
  });
  const strange = [...output].find((letter, i) => !lengths.has(letter) || output.indexOf(letter) !== i);
  if (strange !== undefined) throw fault(`the result's ${strange} is in no tensor, or twice in it`);
  // What only one tensor has, and the result lacks, is summed first.
  const lettered = inputs.map(({ letters, x }, i): Lettered => {
    const others = output + (terms[1 - i] ?? "");
    const lonely = [...letters].flatMap((letter, axis) => (others.includes(letter) ? [] : [axis]));
    const summed = lonely.length > 0 ? sum("einsum", x, lonely, false) : x;
    return { letters: [...letters].filter((letter) => others.includes(letter)), x: summed };
  });
  const [a, b] = lettered;
  const y = b ? productOf(a!, b, output, lengths) : a!;
  return permute(
    y.x,
    [...output].map((letter) => y.letters.indexOf(letter)),
  );
}

interface Lettered {
  readonly letters: readonly string[];
  readonly x: Tensor;
}

/** Two tensors as batches of matrices: [letters of all three, own letters, summed letters]. */
function productOf(a: Lettered, b: Lettered, output: string, lengths: ReadonlyMap<string, number>): Lettered {
  const both = a.letters.filter((letter) => b.letters.includes(letter));
  const batch = both.filter((letter) => output.includes(letter));
  const summed = both.filter((letter) => !output.includes(letter));
  const own = ({ letters }: Lettered) => letters.filter((letter) => !both.includes(letter));
  const sizes = (letters: readonly string[]) => letters.map((letter) => lengths.get(letter)!);
  const laidOut = ({ letters, x }: Lettered, groups: readonly (readonly string[])[]) =>
    reshape(
      permute(
        x,
        groups.flat().map((letter) => letters.indexOf(letter)),
      ),
      groups.map((group) => sizeOf(sizes(group))),
    );
  const y = matmulOp("einsum", laidOut(a, [batch, own(a), summed]), laidOut(b, [batch, summed, own(b)]));
  const letters = [...batch, ...own(a), ...own(b)];
  return { letters, x: reshape(y, sizes(letters)) };
}
