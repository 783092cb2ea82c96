/** Layers around recurrent ones: options, shapes and numbers that are refused. */
import { describe, expect, test } from "vitest";
import { maskRows, sequenceMask } from "../../src/graph/ops/mask.ts";
import { inputTensor } from "../../src/graph/tensor.ts";
import * as api from "../../src/node.ts";
import { only } from "../support/gradient-check.ts";
import { errorOf, expectErrors, mistake, quoted, wrong } from "../support/mistakes.ts";

const ints = (...shape: number[]) => inputTensor("n", shape, "i32");

describe("lengths and masks", () => {
  const ask = (real: unknown, batchFirst = false) => sequenceMask("LSTM", wrong(real), 4, 3, batchFirst);
  expectErrors([
    mistake("lengths of another batch", api.ShapeError, /^LSTM: lengths has shape \[4\], expected \[B\] = \[3\]$/, () =>
      ask({ lengths: ints(4) }),
    ),
    mistake("lengths that are not whole", api.ShapeError, /LSTM: lengths holds f32, expected i32/, () =>
      ask({ lengths: inputTensor("n", [3]) }),
    ),
    mistake("lengths as numbers", api.ShapeError, /LSTM: lengths is \[1, 2, 3\], expected a symbolic tensor/, () =>
      ask({ lengths: [1, 2, 3] }),
    ),
    mistake("a mask the other way round", api.ShapeError, /mask has shape \[3,4\], expected \[T,B\] = \[4,3\]/, () =>
      ask({ mask: ints(3, 4) }),
    ),
    mistake("batch first", api.ShapeError, /mask has shape \[4,3\], expected \[B,T\] = \[3,4\]/, () =>
      ask({ mask: ints(4, 3) }, true),
    ),
    mistake("a mask of numbers", api.ShapeError, /LSTM: mask holds f32, expected i32/, () =>
      ask({ mask: inputTensor("n", [4, 3]) }),
    ),
    mistake("another name", api.OptionError, /LSTM: unknown option "length"; options are lengths, mask/, () =>
      ask({ length: ints(3) }),
    ),
    mistake("a bare tensor", api.ShapeError, /real steps are a tensor, expected \{ lengths, mask \}/, () =>
      ask(ints(3)),
    ),
    mistake("null", api.ShapeError, /real steps are null, expected/, () => ask(null)),
  ]);

  const run = async (batchFirst: boolean, lengths: number[], mask: number[]) => {
    const runtime = await api.Runtime.open({ backend: "cpu" });
    const program = await runtime.compile(only(new api.Linear({ inFeatures: 1, outFeatures: 1 })), {
      inputs: {
        x: { shape: [3, 2, 1] },
        lengths: { shape: [2], dtype: "i32" },
        mask: { shape: batchFirst ? [2, 3] : [3, 2], dtype: "i32" },
      },
      forward: ({ x: rows, ...real }) => ({ y: maskRows("y", rows!, sequenceMask("test", real, 3, 2, batchFirst)!) }),
    });
    const { y } = await program.run({
      x: { shape: [3, 2, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      lengths: { shape: [2], data: Int32Array.from(lengths) },
      mask: { shape: batchFirst ? [2, 3] : [3, 2], data: Int32Array.from(mask) },
    });
    runtime.dispose();
    return Array.from(y!.data);
  };
  const all = [1, 1, 1, 1, 1, 1];
  expectErrors([
    mistake(
      "a negative length",
      api.DataError,
      /^lengths\[1\] is length -1, a sequence of 3 steps takes lengths 0 to 3; a length counts/,
      () => run(false, [3, -1], all),
    ),
    mistake(
      "a length above T",
      api.DataError,
      /^lengths\[0\] is length 4, a sequence of 3 steps takes lengths 0 to 3/,
      () => run(false, [4, 3], all),
    ),
    mistake(
      "a mask of 2",
      api.DataError,
      /^mask\[2\] is mask entry 2, "mask" takes mask entries 0 to 1; 1 is a real step/,
      () => run(false, [3, 3], [1, 1, 2, 1, 1, 1]),
    ),
    mistake(
      "a mask that disagrees with lengths",
      api.DataError,
      /^mask\[5\] is 1, a real step: step 2 of sequence 1, but lengths\[1\] is 2; give only one/,
      () => run(false, [3, 2], all),
    ),
    mistake(
      "a mask that disagrees with lengths, batch first",
      api.DataError,
      /^mask\[1\] is 1, a real step: step 1 of sequence 0, but lengths\[0\] is 1/,
      () => run(true, [1, 3], all),
    ),
  ]);

  test("a mask with holes before the lengths is taken", async () => {
    expect(await run(false, [3, 1], [0, 1, 1, 0, 1, 0])).toEqual([0, 2, 3, 0, 5, 0]);
    expect(await run(true, [3, 1], [0, 1, 1, 1, 0, 0])).toEqual([0, 2, 3, 0, 5, 0]);
    expect(await errorOf(() => run(true, [3, 3], all))).toBeUndefined();
  });
});

const { Dropout, LayerNorm, Linear, functional: F } = api;
const xs = inputTensor("x", [4, 3, 2]);

describe("modules", () => {
  expectErrors([
    mistake(
      "a layer norm of nothing",
      api.OptionError,
      /^LayerNorm: normalizedShape is undefined, expected a whole/,
      () => new LayerNorm(wrong({})),
    ),
    mistake(
      "a layer norm over several axes",
      api.OptionError,
      /^LayerNorm: normalizedShape is \[3, 2\], expected a whole/,
      () => new LayerNorm(wrong({ normalizedShape: [3, 2] })),
    ),
    mistake(
      "a negative eps",
      api.OptionError,
      /^LayerNorm: eps is -1, expected a finite number in \[0, 3\.4/,
      () => new LayerNorm({ normalizedShape: 2, eps: -1 }),
    ),
    mistake(
      "PyTorch's spelling",
      api.OptionError,
      /^LayerNorm: unknown option "elementwise_affine" \(did you mean elementwiseAffine\?\); options are/,
      () => new LayerNorm(wrong({ normalizedShape: 2, elementwise_affine: false })),
    ),
    mistake(
      "a bias of another type",
      api.OptionError,
      /^LayerNorm: bias is 0, expected true or false/,
      () => new LayerNorm(wrong({ normalizedShape: 2, bias: 0 })),
    ),
    mistake(
      "affine of another type",
      api.OptionError,
      /^LayerNorm: elementwiseAffine is null, expected true or/,
      () => new LayerNorm(wrong({ normalizedShape: 2, elementwiseAffine: null })),
    ),
    mistake("another last axis", api.ShapeError, /^LayerNorm: x is f32 \[4,3,2\], expected f32 \[..., 3\] \(norm/, () =>
      new LayerNorm({ normalizedShape: 3 }).forward(xs),
    ),
    mistake("tokens in a layer norm", api.ShapeError, /^LayerNorm: x is i32 \[2\], expected f32 \[..., 2\]/, () =>
      new LayerNorm({ normalizedShape: 2 }).forward(ints(2)),
    ),
    ...[-0.1, 1.5, Number.NaN, "half"].map((p) =>
      mistake(
        `p ${p}`,
        api.OptionError,
        new RegExp(`^Dropout: p is ${quoted(p)}, expected a finite number in \\[0, 1\\]`),
        () => new Dropout({ p: wrong(p) }),
      ),
    ),
    mistake(
      "another name of p",
      api.OptionError,
      /^Dropout: unknown option "rate"; options are p, variational/,
      () => new Dropout(wrong({ rate: 0.5 })),
    ),
    mistake(
      "a switch of another type",
      api.OptionError,
      /^Dropout: variational is 1, expected true or false/,
      () => new Dropout(wrong({ variational: 1 })),
    ),
    mistake("dropout of tokens", api.ShapeError, /^Dropout: x is i32 \[3\], expected f32 of any shape/, () =>
      new Dropout().forward(ints(3)),
    ),
    mistake("variational dropout of a scalar", api.ShapeError, /^Dropout: x is f32 \[\], expected f32 \[T, ...\]/, () =>
      new Dropout({ variational: true }).forward(inputTensor("x", [])),
    ),
    mistake("no tensor", api.ShapeError, /^Dropout: x is 0.5, expected f32/, () => new Dropout().forward(wrong(0.5))),
    mistake(
      "a token beyond a linear layer's one-hot size",
      api.DataError,
      /^x\[2\] is token 5, "part" takes tokens 0 to 4; encode the text/,
      async () => {
        const part = new Linear({ inFeatures: 5, outFeatures: 2 });
        const runtime = await api.Runtime.open({ backend: "cpu" });
        const program = await runtime.compile(only(part), {
          inputs: { x: { shape: [3], dtype: "i32" } },
          forward: ({ x }) => ({ y: part.forward(x!) }),
        });
        await program.run({ x: { shape: [3], data: Int32Array.of(0, 4, 5) } });
      },
    ),
  ]);
});

describe("functions", () => {
  const [row, other] = [inputTensor("row", [2]), inputTensor("other", [4, 3, 5])];
  expectErrors([
    mistake("softmax of a scalar", api.ShapeError, /^softmax: x is a scalar, expected \[..., C\]/, () =>
      F.softmax(inputTensor("x", [])),
    ),
    mistake("a product with nothing", api.ShapeError, /^mul: a is null, expected a symbolic tensor/, () =>
      F.mul(wrong(null), xs),
    ),
    mistake("nothing to join", api.ShapeError, /^concat: there are no tensors/, () => F.concat([])),
    mistake("one tensor where a list is due", api.ShapeError, /^concat: there are no tensors/, () =>
      F.concat(wrong(xs)),
    ),
    mistake("a list of numbers", api.ShapeError, /^concat: tensors\[0\] is [\d.]+, expected a tensor/, () =>
      F.concat(wrong([1])),
    ),
    mistake(
      "joined shapes that differ elsewhere",
      api.ShapeError,
      /^concat: tensors\[1\] is f32 \[4,3,5\], expected f32 \[any,3,2\] as the first, along axis 0/,
      () => F.concat([xs, other], 0),
    ),
    mistake(
      "numbers joined with tokens",
      api.ShapeError,
      /tensors\[1\] is i32 \[4,3,1\], expected f32 \[4,3,any\]/,
      () => F.concat([xs, ints(4, 3, 1)]),
    ),
    mistake(
      "an axis that is not there",
      api.ShapeError,
      /^concat: axis is 3, expected a whole number from -3 to 2 for/,
      () => F.concat([xs, xs], 3),
    ),
    mistake("half an axis", api.ShapeError, /^slice: axis is 0.5, expected a whole number from -3 to 2/, () =>
      F.slice(xs, 0, 1, 0.5),
    ),
    mistake("a slice beyond the end", api.ShapeError, /^slice: 2 from 1 on, axis 2 of \[4,3,2\] has 0 to 1/, () =>
      F.slice(xs, 1, 2),
    ),
    mistake("a slice from before the start", api.ShapeError, /^slice: 1 from -1 on, axis 0 of/, () =>
      F.slice(xs, -1, 1, 0),
    ),
    mistake("a slice of nothing", api.ShapeError, /^slice: 0 from 1 on, axis 1 of \[4,3,2\] has 0 to 2/, () =>
      F.slice(xs, 1, 0, 1),
    ),
    mistake("a slice without its count", api.ShapeError, /^slice: undefined from 1 on/, () =>
      F.slice(xs, 1, wrong(undefined)),
    ),
    mistake("a slice of a number", api.ShapeError, /^slice: x is [\d.]+, expected a symbolic tensor/, () =>
      F.slice(wrong(3), 0, 1),
    ),
    mistake("a pool over two axes", api.ShapeError, /^meanPool: x has shape \[2\], expected \[T,B,C\]/, () =>
      F.meanPool(row),
    ),
    mistake("a pool of tokens", api.ShapeError, /^maxPool: x holds i32, expected f32 \[T,B,C\]/, () =>
      F.maxPool(ints(4, 3, 2)),
    ),
    mistake(
      "lengths of another batch",
      api.ShapeError,
      /^lastPool: lengths has shape \[4\], expected \[B\] = \[3\]/,
      () => F.lastPool(xs, { lengths: ints(4) }),
    ),
    mistake(
      "a mask of another shape",
      api.ShapeError,
      /^lastPool: mask has shape \[3,4\], expected \[T,B\] = \[4,3\]/,
      () => F.lastPool(xs, { mask: ints(3, 4) }),
    ),
  ]);
});
