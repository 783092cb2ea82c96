import type { FullCell } from "../cells/cell.ts";
import type { Constants } from "../plan/plan.ts";
import { weightsF32Wgsl } from "../shaders/lib/weights-f32.generated.ts";
import { recurrentForwardWgsl } from "../shaders/recurrent-forward.generated.ts";
import { recurrentInitialWgsl } from "../shaders/recurrent-initial.generated.ts";
import { type VariantOf, variantsOf } from "./choose-variant.ts";
import { defineKernel, read, readWrite, u32 } from "./kernel.ts";
import { recurrence } from "./recurrence.ts";

const single: Constants = { ROWS: 1, LANES: 32, SLICES: 1, SHARED: 1, HEADS: false, ACROSS_UNITS: false };

/** `ROWS` sequences an invocation; a workgroup of `LANES` owns a row where the cell takes means over it (ACROSS_UNITS). */
export const tile = (of: Constants): Constants => ({ ...single, ...of });

/** `SHARED` invocations read what a row's product needs together, and are a workgroup then. */
export const blockTile = ({ ROWS, SHARED }: VariantOf<"recurrent-block">) =>
  tile({ ROWS, SHARED, LANES: SHARED > 1 ? SHARED : 32 });

export const tiles: readonly Constants[] = [
  ...variantsOf("recurrent-block").map(blockTile),
  tile({ HEADS: true }),
  ...[32, 64, 128, 256].map((LANES) => tile({ LANES, ACROSS_UNITS: true })),
];

export const sliceTile = ({ ROWS, WORDS, SLICES }: Exclude<VariantOf<"recurrent">, "block">, HEADS: boolean) =>
  tile({ ROWS: HEADS ? 1 : ROWS, LANES: WORDS * SLICES, SLICES, HEADS });

/** Tiles of which `SLICES` invocations share every product of `LANES / SLICES` words: see shaders/lib/tiling-slices.wgsl. */
export const sliceTiles: readonly Constants[] = variantsOf("recurrent").flatMap((variant) =>
  variant === "block" ? [] : (variant.ROWS === 1 ? [false, true] : [false]).map((HEADS) => sliceTile(variant, HEADS)),
);

export const goesWith = ({ ACROSS_UNITS, INTERMEDIATE = false, HEADS, SLICES }: Constants, cell: FullCell): boolean =>
  ACROSS_UNITS === cell.acrossUnits &&
  (cell.intermediate ? SLICES === 1 : INTERMEDIATE === false) &&
  (cell.recurrent || (!HEADS && SLICES === 1));

/** One step forward of a recurrent layer. See shaders/recurrent-forward.wgsl for the layouts. */
export const recurrentForward = defineKernel({
  shader: recurrentForwardWgsl,
  bindings: [
    read("weight", "vec4f", "[D,K,G,⌈H/4⌉]"),
    read("bias", "f32", "[D,G,H]"),
    read("learned", "f32", "[D,N,H]"),
    read("control", "i32", "seed [1], mask [T,B]"),
    readWrite("gates", "f32", "[times,B,directions,W,H]"),
    readWrite("h", "f32", "[slots,B,D,P]"),
    readWrite("states", "f32", "[slots,S-1,B,directions,H]"),
  ],
  params: [...recurrence, ...u32("K", "headUnits", "hasBias", "stepCount", "T")],
  runsCell: true,
  parts: { WEIGHTS: weightsF32Wgsl },
  goesWith,
  variants: [
    ...[...tiles, ...sliceTiles].flatMap((tile) =>
      [false, true].map((SAVE) => ({ ...tile, SAVE, INTERMEDIATE: false })),
    ),
    ...tiles.map((tile) => ({ ...tile, SAVE: false, INTERMEDIATE: true })),
  ],
});

/** The states before the first step, put into their slots. See shaders/recurrent-initial.wgsl. */
export const recurrentInitial = defineKernel({
  shader: recurrentInitialWgsl,
  bindings: [
    read("h0", "f32", "[D,B,P]"),
    read("cellStates0", "f32", "[S-1,D,B,H]"),
    read("control", "i32", "seed [1], mask [T,B]"),
    readWrite("h", "f32", "[slots,B,D,P]"),
    readWrite("states", "f32", "as in recurrent-forward"),
  ],
  params: recurrence,
  variants: [{}],
});
