import type { InputRange, NumberKind } from "../op.ts";
import type { Tensor } from "../tensor.ts";

// What the numbers of i32 inputs are, as messages call them.

/** Checked against a vocabulary. */
export const TOKEN: NumberKind = {
  one: "token",
  many: "tokens",
  advice: "encode the text with the model's own vocabulary",
};

/** Checked against the classes. */
export const LABEL: NumberKind = {
  one: "label",
  many: "labels",
  advice: "a label is the number of a class, of which there are as many as logits",
};

/** Checked against a time axis. */
export const LENGTH: NumberKind = {
  one: "length",
  many: "lengths",
  advice: "a length counts the real steps of a sequence, at most its T",
};

/** Checked against an axis. */
export const INDEX: NumberKind = {
  one: "index",
  many: "indices",
  advice: "an index counts the entries of the axis that is gathered from",
};

/** 0 or 1. */
export const MASK_ENTRY: NumberKind = {
  one: "mask entry",
  many: "mask entries",
  advice: "1 is a real step, 0 one to pass over",
};

/** What an op says of its mask, which may be absent. */
export const maskRange = (mask: Tensor | undefined, input: number): readonly InputRange[] =>
  mask ? [{ input, kind: MASK_ENTRY, below: 2 }] : [];
