/** What the functions of tensors refuse, and what they say. */
import { describe } from "vitest";
import { inputTensor } from "../../src/graph/tensor.ts";
import * as api from "../../src/index.ts";
import { expectErrors, mistake, wrong } from "../support/mistakes.ts";

const { functional: F, OptionError, ShapeError } = api;
const x = inputTensor("x", [4, 3, 2]);
const ints = (...shape: number[]) => inputTensor("ints", shape, "i32");

describe("arithmetic", () => {
  expectErrors([
    mistake("a number for a tensor", ShapeError, /^relu: x is 1, expected a symbolic tensor$/, () => F.relu(wrong(1))),
    mistake(
      "shapes that differ",
      ShapeError,
      /^add: shapes \[4,3,2\] and \[4,3,5\] cannot be broadcast: counted from the last axis, lengths must be equal or 1; reshape/,
      () => x.add(inputTensor("b", [4, 3, 5])),
    ),
    mistake("axes counted from the front", ShapeError, /^mul: shapes \[4,3,2\] and \[4,3\] cannot be broadcast/, () =>
      F.mul(x, inputTensor("b", [4, 3])),
    ),
    mistake("two numbers", OptionError, /^sub: a and b are 1 and 2, expected at least one symbolic tensor/, () =>
      F.sub(1, 2),
    ),
    mistake("text as an operand", ShapeError, /^div: b is "2", expected a symbolic tensor or a number/, () =>
      x.div(wrong("2")),
    ),
    mistake("a condition that is no tensor", ShapeError, /^where: condition is true, expected a symbolic tensor/, () =>
      F.where(wrong(true), x, 0),
    ),
    mistake("no limits", OptionError, /^clamp: the limits are {}, expected { min, max }, or one of them/, () =>
      x.clamp({}),
    ),
    mistake("a limit of text", OptionError, /^clamp: min is "0", expected a finite number/, () =>
      x.clamp({ min: wrong("0") }),
    ),
  ]);
});

describe("put together of others", () => {
  expectErrors([
    mistake("an alpha of text", OptionError, /^elu: alpha is "1", expected a finite number/, () =>
      F.elu(x, { alpha: wrong("1") }),
    ),
    mistake("no slope", OptionError, /^leakyRelu: negativeSlope is NaN, expected a finite number/, () =>
      F.leakyRelu(x, { negativeSlope: Number.NaN }),
    ),
    mistake("two numbers", OptionError, /^remainder: a and b are 7 and 2, expected at least one symbolic tensor/, () =>
      F.remainder(7, 2),
    ),
    mistake("a triangle of one axis", ShapeError, /^tril: x has shape \[4\], expected \[\.\.\., R, C\]/, () =>
      F.tril(inputTensor("x", [4])),
    ),
    mistake("half a diagonal", OptionError, /^triu: diagonal is 0\.5, expected a whole number/, () => F.triu(x, 0.5)),
    mistake("an axis that is not there", ShapeError, /^prod: axis is 3, expected a whole number from -3 to 2/, () =>
      F.prod(x, 3),
    ),
    ...(
      [
        "ceil",
        "round",
        "trunc",
        "reciprocal",
        "selu",
        "hardSigmoid",
        "hardSwish",
        "mish",
        "softsign",
        "logSigmoid",
        "erf",
      ] as const
    ).map((name) =>
      mistake(
        `a number for the tensor of ${name}`,
        ShapeError,
        new RegExp(`^${name}: x is 1, expected a symbolic`),
        () => F[name](wrong(1)),
      ),
    ),
  ]);
});

describe("along axes", () => {
  expectErrors([
    mistake("an axis that is not there", ShapeError, /^mean: axis is 3, expected a whole number from -3 to 2/, () =>
      x.mean(3),
    ),
    mistake("an axis twice", ShapeError, /^sum: axes are \[1, -2\] of \[4,3,2\], expected each axis once/, () =>
      x.sum([1, -2]),
    ),
    mistake("an option of NumPy", OptionError, /^max: unknown option "keepdims"; options are keepdim/, () =>
      x.max(0, wrong({ keepdims: true })),
    ),
    mistake("nothing to divide by", OptionError, /^variance: correction is 2 for 2 numbers of \[4,3,2\]/, () =>
      x.variance(-1, { correction: 2 }),
    ),
    mistake("more than there are", OptionError, /^topK: k is 3, expected a whole number from 1 to 2/, () => x.topK(3)),
    mistake("softmax of a scalar", ShapeError, /^softmax: x is a scalar/, () => F.softmax(inputTensor("x", []))),
    mistake("half an axis", ShapeError, /^cumSum: axis is 0.5, expected/, () => x.cumSum(0.5)),
  ]);
});

describe("layout", () => {
  expectErrors([
    mistake("another size", ShapeError, /^reshape: \[4,3,2\] has 24 numbers, which are not \[5,5\]/, () =>
      x.reshape([5, 5]),
    ),
    mistake("two open axes", ShapeError, /^reshape: \[4,3,2\] has 24 numbers, which are not \[-1,-1\]/, () =>
      x.reshape([-1, -1]),
    ),
    mistake("what leaves a rest", ShapeError, /which are not \[7,-1\]/, () => x.reshape([7, -1])),
    mistake("a long axis squeezed", ShapeError, /^squeeze: axis 1 of \[4,3,2\] has length 3, expected 1; take/, () =>
      x.squeeze(1),
    ),
    mistake("a place beyond the end", ShapeError, /^unsqueeze: axis is 4, expected a whole number from -4 to 3/, () =>
      x.unsqueeze(4),
    ),
    mistake("a longer axis made longer", ShapeError, /cannot be/, () => x.expand([4, 6, 2])),
    mistake("fewer axes", ShapeError, /^expand: \[4,3,2\] cannot be expanded to \[3,2\]; only/, () => x.expand([3, 2])),
    mistake(
      "an axis left out",
      ShapeError,
      /^permute: the order is \[0, 1\], expected each axis of \[4,3,2\] once/,
      () => x.permute([0, 1]),
    ),
    mistake("an axis twice", ShapeError, /^permute: the order is \[0, 1, 1\], expected each/, () =>
      x.permute([0, 1, 1]),
    ),
    mistake(
      "a step beyond the end",
      ShapeError,
      /^slice: 2 from 1 on by steps of 3, axis 1 of \[4,3,2\] has 0 to 2/,
      () => x.slice(1, 2, 1, 3),
    ),
    mistake("a step of nothing", ShapeError, /^slice: 2 from 0 on by steps of 0/, () => x.slice(0, 2, 1, 0)),
    mistake("an entry that is not there", ShapeError, /^select: index is 4, axis 0 of \[4,3,2\] has 0 to 3/, () =>
      x.select(4),
    ),
    mistake(
      "pieces that leave a rest",
      ShapeError,
      /^split: pieces are \[1, 1\], axis 1 of \[4,3,2\] has 3 entries/,
      () => x.split([1, 1], 1),
    ),
    mistake(
      "pieces of nothing",
      OptionError,
      /^split: sizes is \[0, 3\], expected a list of whole numbers of at least 1/,
      () => x.split([0, 3], 1),
    ),
    mistake(
      "stacked shapes that differ",
      ShapeError,
      /^stack: tensors\[1\] is f32 \[4,3,2\], expected f32 \[4,3\]/,
      () => F.stack([inputTensor("a", [4, 3]), x]),
    ),
    mistake("more widths than axes", ShapeError, /^pad: widths are .*, expected \[before, after\] for at most/, () =>
      inputTensor("a", [2]).pad([
        [0, 1],
        [1, 0],
      ]),
    ),
    mistake(
      "a width of one number",
      OptionError,
      /^pad: widths are \[\[1\]\], expected \[before, after\] for each/,
      () => x.pad(wrong([[1]])),
    ),
    mistake("numbers around whole numbers", OptionError, /^pad: value is 0.5, and x holds whole numbers/, () =>
      ints(3).pad([[1, 1]], { value: 0.5 }),
    ),
  ]);
});

describe("products and indices", () => {
  expectErrors([
    mistake(
      "sizes that do not fit",
      ShapeError,
      /^matmul: a is \[4,3,2\], b \[3,2\]: a has 2 columns and b 3 rows, expected as many/,
      () => x.matmul(inputTensor("b", [3, 2])),
    ),
    mistake("a scalar", ShapeError, /^matmul: a is \[\], b \[4,3,2\].*for scalars use mul/, () =>
      F.matmul(inputTensor("a", []), x),
    ),
    mistake("batches that differ", ShapeError, /^matmul: shapes \[4\] and \[5\] cannot be broadcast/, () =>
      x.matmul(inputTensor("b", [5, 2, 2])),
    ),
    mistake("an equation of nothing", OptionError, /^einsum: "->->": expected letters for the axes/, () =>
      F.einsum("->->", x),
    ),
    mistake("a letter with two lengths", ShapeError, /^einsum: "abc,bd->d": b is 3 and 2, expected one length/, () =>
      F.einsum("abc,bd->d", x, inputTensor("b", [2, 5])),
    ),
    mistake("a letter from nowhere", OptionError, /the result's z is in no tensor, or twice in it/, () =>
      F.einsum("abc->z", x),
    ),
    mistake("a diagonal", OptionError, /"aab" has a letter twice/, () => F.einsum("aab->b", x)),
    mistake("a tensor too few", OptionError, /it names 2 tensors, and 1 are given/, () => F.einsum("a,b", x)),
    mistake(
      "indices that are numbers",
      ShapeError,
      /^gather: index is f32 \[4,3,2\], expected whole numbers, i32/,
      () => x.gather(x),
    ),
    mistake("indices of fewer axes", ShapeError, /^gather: index has shape \[3\], expected as many axes as x/, () =>
      x.gather(ints(3)),
    ),
    mistake("a matrix of rows", ShapeError, /^indexSelect: index has shape \[2,2\], expected \[K\]/, () =>
      x.indexSelect(ints(2, 2)),
    ),
    mistake("no class", OptionError, /^oneHot: numClasses is 0, expected/, () => ints(3).oneHot(0)),
    mistake("a table of three axes", ShapeError, /^embedding: weight has shape \[4,3,2\], expected \[V,E\]/, () =>
      F.embedding(ints(3), x),
    ),
    mistake("constants that are too few", ShapeError, /^constant: 3 values for shape \[2,2\], which has 4/, () =>
      F.constant([1, 2, 3], { shape: [2, 2] }),
    ),
  ]);
});
