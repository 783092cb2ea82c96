import { checkOptions, DataError, ShapeError } from "../../errors.ts";
import { onDemand } from "../commands.ts";
import { apply, expectTensor, Tensor } from "../tensor.ts";
import { reshape } from "./layout.ts";
import { LENGTH, maskRange } from "./number-kinds.ts";

/**
 * Which steps of a batch of sequences are real, said in one of two ways, or in both.
 *
 * `lengths`, i32 `[B]`: sequence b has its real steps first, `lengths[b]` of them (0 to T), as in
 * [torch.nn.utils.rnn.pack_padded_sequence](https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html);
 * in any order. `mask`, i32 `[T,B]` (`[B,T]` where the module is batch first): 1 is a real step, 0 one that is passed over,
 * anywhere in a sequence, as [Keras masks](https://keras.io/guides/understanding_masking_and_padding/) do. Where both are
 * given the mask must be 0 beyond each length.
 */
export interface RealSteps {
  /** i32 `[B]`, each from 0 to T. */
  readonly lengths?: Tensor;
  /** i32 `[T,B]` (`[B,T]` with batchFirst), 1 or 0. */
  readonly mask?: Tensor;
}

export interface MaskAttributes {
  readonly T: number;
  readonly B: number;
  readonly batchFirst: boolean;
}

const maskOp = onDemand<MaskAttributes>("sequence-mask", {
  hasGradient: false,
  takes: ({ inputs: [lengths, mask], attributes: { T } }) => [
    ...(lengths ? [{ input: 0, kind: LENGTH, below: T + 1, taker: `a sequence of ${T} steps` }] : []),
    ...maskRange(mask, 1),
  ],
  check({ attributes: { T, B, batchFirst } }, [lengths, mask]) {
    if (!lengths || !mask) return;
    for (let i = 0; i < mask.length; i++) {
      const [t, b] = batchFirst ? [i % T, Math.floor(i / T)] : [Math.floor(i / B), i % B];
      const length = lengths.at(b);
      if (length === undefined || t < length || !mask.at(i)) continue;
      throw new DataError(
        `${mask.nameOf(i)} is 1, a real step: step ${t} of sequence ${b}, but ${lengths.nameOf(b)} is ${length}; give only one of the two, or set the mask to 0 beyond each length`,
      );
    }
  },
});

const make = (
  label: string,
  lengths: Tensor | undefined,
  mask: Tensor | undefined,
  attributes: MaskAttributes,
): Tensor =>
  apply(maskOp, label, [lengths, mask], [{ shape: [attributes.T, attributes.B], dtype: "i32" }], attributes)[0]!;

/** The mask `[T,B]` (i32, 1 or 0) of `lengths` (i32 `[B]`, 0 to T): one dispatch in a plan, however often it is asked for. */
export const lengthMask = (label: string, lengths: Tensor, T: number): Tensor =>
  make(label, lengths, undefined, { T, B: lengths.size, batchFirst: false });

/**
 * The one mask (i32 `[T,B]`) that lengths, a mask or both stand for; undefined when every step is real. A mask that is
 * time-major costs no dispatch, the others one in a plan.
 * @param what who asks, such as a module's title, for messages
 * @throws ShapeError for wrong shapes or element types, OptionError for anything but `lengths` and `mask`
 */
export function sequenceMask(
  what: string,
  real: RealSteps | undefined,
  T: number,
  B: number,
  batchFirst = false,
): Tensor | undefined {
  if (real === undefined) return undefined;
  if (real === null || typeof real !== "object" || real instanceof Tensor) {
    const got = real instanceof Tensor ? "a tensor" : String(real);
    throw new ShapeError(`${what}: the real steps are ${got}, expected { lengths, mask }, or one of them`);
  }
  checkOptions(what, real, ["lengths", "mask"]);
  const { lengths, mask } = real;
  if (lengths !== undefined) expectTensor(`${what}: lengths`, lengths, [B], `[B] = [${B}]`, "i32");
  const shape = batchFirst ? [B, T] : [T, B];
  if (mask !== undefined)
    expectTensor(`${what}: mask`, mask, shape, `${batchFirst ? "[B,T]" : "[T,B]"} = [${shape}]`, "i32");
  return lengths || mask ? make("mask", lengths, mask, { T, B, batchFirst }) : undefined;
}

let active: Tensor | undefined;

/**
 * Traces for streams that need not all take part in each step: recurrent layers hold the states of the others.
 * @param steps i32 `[B]`: stream b takes part in so many steps of a call, from the first on (more than there are: in all)
 */
export function withActiveSteps<R>(steps: Tensor, trace: () => R): R {
  const before = active;
  active = steps;
  try {
    return trace();
  } finally {
    active = before;
  }
}

/**
 * The mask `[T,B]` of the steps that are real and that their streams take part in; with `isHeld` false where all streams do.
 * @param own of the steps that are real, where a layer was given one
 */
export function activeMask(
  own: Tensor | undefined,
  T: number,
  B: number,
): { readonly mask: Tensor | undefined; readonly isHeld: boolean } {
  if (active?.size !== B) return { mask: own, isHeld: false };
  // Of a single step, the counts are the mask.
  if (!own && T === 1) return { mask: reshape(active, [1, B]), isHeld: true };
  return { mask: make("active steps", active, own, { T, B, batchFirst: false }), isHeld: true };
}

export interface HeldRows {
  readonly N: number;
  readonly B: number;
  readonly C: number;
}

const holdOp = onDemand<HeldRows>("hold-rows", { hasGradient: false });

/** The state `x [N,B,...]` of streams that take part in a call, `old` of the others. */
export function holdInactive(label: string, x: Tensor, old: Tensor, steps: Tensor): Tensor {
  const [N, B] = x.shape as [number, number];
  return apply(holdOp, label, [x, old, steps], [{ shape: x.shape, dtype: x.dtype }], { N, B, C: x.size / (N * B) })[0]!;
}

export interface MaskedRows {
  readonly N: number;
  readonly C: number;
}

const rowsOp = onDemand<MaskedRows>("mask-rows", {
  takes: ({ inputs: [, mask] }) => maskRange(mask, 1),
});

/** `x [T,B,...]`, zero in the steps where `mask [T,B]` (i32) is. */
export const maskRows = (label: string, x: Tensor, mask: Tensor): Tensor =>
  apply(rowsOp, label, [x, mask], [{ shape: x.shape }], { N: mask.size, C: x.size / mask.size })[0]!;
