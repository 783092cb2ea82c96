import type { FullCell } from "../cells/cell.ts";
import type { Call } from "./calls.ts";
import { type CellVariant, type CompiledCell, compileCell } from "./compile/cell-module.ts";
import type { NativeContext } from "./native.ts";

/** What was compiled, by cell and variant: every step of every plan asks for the same. */
const known = new WeakMap<FullCell, Map<string, CompiledCell>>();

function compiledCell(cell: FullCell, variant: CellVariant): CompiledCell {
  const ofCell = known.get(cell) ?? new Map<string, CompiledCell>();
  known.set(cell, ofCell);
  const key = Object.values(variant).join();
  const made = ofCell.get(key) ?? compileCell(cell, variant);
  ofCell.set(key, made);
  return made;
}

/** A part of a cell for all rows of a step, and the bytes that it wants in the workspace; undefined where it has to be the twin. */
export function cellRun(
  { cell, compiled, refuse }: NativeContext,
  variant: CellVariant,
  H: number,
): { readonly run: Call; readonly scratchBytes: number } | undefined {
  const made = compiledCell(cell, variant);
  if ("refused" in made) {
    refuse(`cell "${cell.name}" runs its twin, slowly: ${made.refused} is not for WebAssembly`);
    return undefined;
  }
  const { part, direction, save, hasBias } = variant;
  const name = `${cell.name} ${part} ${direction} ${save} ${hasBias}`;
  return { run: compiled(name, () => made.code), scratchBytes: made.scratchBytes(H) };
}
