// Rows of a recurrent step besides its product and its cell: copies, sums, what masks and zoneout keep, recurrent dropout.
// Distances between rows are in bytes.
import { put } from "./lanes";
import { uniformFour } from "./random";
import { addRow } from "./rows";

/** Rows of `units` numbers; where there is a mask, those whose entry in it is 0 only. */
export function copyRows(
  rows: i32,
  units: i32,
  mask: usize,
  from: usize,
  fromRow: usize,
  to: usize,
  toRow: usize,
): void {
  for (let b: usize = 0; b < <usize>rows; b++) {
    if (mask && load<i32>(mask + b * 4)) continue;
    memory.copy(to + b * toRow, from + b * fromRow, (<usize>units) << 2);
  }
}

export function clearRows(rows: i32, units: i32, to: usize, toRow: usize): void {
  for (let b: usize = 0; b < <usize>rows; b++) memory.fill(to + b * toRow, 0, (<usize>units) << 2);
}

/**
 * What is smaller than 2^-100 becomes 0. Gradients that vanish over many steps end below 2^-126, where processors need about a hundred
 * times as long for a product; a weight of up to 2^-26 does not take what is left there.
 */
export function dropVanished(rows: i32, units: i32, at: usize, row: usize): void {
  const least = f32x4.splat(7.888609052210118e-31);
  for (let b: usize = 0; b < <usize>rows; b++) {
    for (let u: i32 = 0; u < units; u += 4) {
      const to = at + b * row + ((<usize>u) << 2);
      const x = v128.load(to);
      put(to, v128.andnot(x, f32x4.lt(f32x4.abs(x), least)), units - u);
    }
  }
}

/** to += from; where there is a mask, not in rows whose entry in it is 0. */
export function addRows(
  rows: i32,
  units: i32,
  mask: usize,
  from: usize,
  fromRow: usize,
  to: usize,
  toRow: usize,
): void {
  for (let b: usize = 0; b < <usize>rows; b++) {
    if (mask && !load<i32>(mask + b * 4)) continue;
    addRow(units, from + b * fromRow, to + b * toRow);
  }
}

/** The random numbers of four units of a row, from the `unit`-th on. */
function drawn(seed: usize, stream: i32, step: i32, unit: i32): v128 {
  const units = i32x4.add(i32x4.splat(unit), i32x4(0, 1, 2, 3));
  return uniformFour(i32x4.splat(load<i32>(seed)), i32x4.splat(stream), i32x4.splat(step), units);
}

/** What a state keeps of its previous value, of four units: zoneout's rate, or with a seed all or nothing (Krueger et al. 2017). */
function kept(rate: f32, seed: usize, stream: i32, time: i32, unit: i32): v128 {
  if (!seed) return f32x4.splat(rate);
  return v128.and(f32x4.lt(drawn(seed, stream, time, unit), f32x4.splat(rate)), f32x4.splat(1));
}

/**
 * next += keep·(prev - next), with zoneout's keep. `seed`: its address, 0 where nothing is drawn; `unit`: the number of the first
 * row's first unit, `unitRow` how far those of rows are apart.
 */
export function zoneout(
  rows: i32,
  units: i32,
  rate: f32,
  seed: usize,
  stream: i32,
  time: i32,
  unit: i32,
  unitRow: i32,
  prev: usize,
  prevRow: usize,
  next: usize,
  nextRow: usize,
): void {
  const one = f32x4.splat(1);
  for (let b: i32 = 0; b < rows; b++) {
    for (let u: i32 = 0; u < units; u += 4) {
      const x = v128.load(prev + <usize>b * prevRow + ((<usize>u) << 2));
      const at = next + <usize>b * nextRow + ((<usize>u) << 2);
      const y = v128.load(at);
      const part = kept(rate, seed, stream, time, unit + b * unitRow + u);
      const mixed = f32x4.add(y, f32x4.mul(part, f32x4.sub(x, y)));
      // Where all is kept, what the cell made is not even multiplied.
      put(at, v128.bitselect(x, mixed, f32x4.eq(part, one)), units - u);
    }
  }
}

/** straight = keep·grad, grad -= straight: what goes straight to the step before, and what goes through the cell. */
export function splitKept(
  rows: i32,
  units: i32,
  mask: usize,
  rate: f32,
  seed: usize,
  stream: i32,
  time: i32,
  unit: i32,
  unitRow: i32,
  grad: usize,
  gradRow: usize,
  straight: usize,
  straightRow: usize,
): void {
  for (let b: i32 = 0; b < rows; b++) {
    const isMasked = mask && !load<i32>(mask + ((<usize>b) << 2));
    for (let u: i32 = 0; u < units; u += 4) {
      const at = grad + <usize>b * gradRow + ((<usize>u) << 2);
      const all = v128.load(at);
      let part = f32x4.splat(1);
      if (!isMasked) part = rate === 0 ? f32x4.splat(0) : kept(rate, seed, stream, time, unit + b * unitRow + u);
      const own = f32x4.mul(part, all);
      put(straight + <usize>b * straightRow + ((<usize>u) << 2), own, units - u);
      put(at, f32x4.sub(all, own), units - u);
    }
  }
}

/** Recurrent dropout, the same in every step (Gal and Ghahramani 2016). */
export function dropRows(
  rows: i32,
  units: i32,
  rate: f32,
  seed: usize,
  stream: i32,
  unit: i32,
  unitRow: i32,
  from: usize,
  fromRow: usize,
  to: usize,
  toRow: usize,
): void {
  const scale = f32x4.splat(1 / (1 - rate));
  for (let b: i32 = 0; b < rows; b++) {
    for (let u: i32 = 0; u < units; u += 4) {
      const isDropped = f32x4.lt(drawn(seed, stream, 0, unit + b * unitRow + u), f32x4.splat(rate));
      const factor = v128.andnot(scale, isDropped);
      const value = f32x4.mul(v128.load(from + <usize>b * fromRow + ((<usize>u) << 2)), factor);
      put(to + <usize>b * toRow + ((<usize>u) << 2), value, units - u);
    }
  }
}
