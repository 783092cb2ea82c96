import { LimitError } from "../errors.ts";
import { showBytes } from "../plan/print-plan.ts";
import type { Shape } from "../tensor-data.ts";
import { sizeOf } from "../tensor-data.ts";

/** A parameter as the engine sees it: a tensor of one shape. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
}

/** Where every parameter of a model lies: one arena, or several pages where one would pass the adapter's limits. */
export interface ParameterLayout {
  /** Length of each page in elements. */
  readonly pages: readonly number[];
  readonly places: ReadonlyMap<object, { readonly page: number; readonly offset: number; readonly length: number }>;
}

/** Parameters start at multiples of this, so that they can be read as vec4f. */
const ALIGNMENT = 64;

/** Optimizers keep at most this many numbers for each parameter, in one buffer. */
const MOST_MOMENTS = 3;

/**
 * Lays groups of parameters out one after the other; a group (a weight and its bias) never crosses pages.
 * @param maxBufferSize in bytes
 * @throws LimitError when a group does not fit a buffer, saying how much is needed and what fits
 */
export function layoutParameters(
  groups: readonly (readonly (object & ParameterSpec)[])[],
  maxBufferSize: number,
): ParameterLayout {
  const most = Math.floor(maxBufferSize / 4 / MOST_MOMENTS);
  const pages: number[] = [0];
  const places = new Map<object, { page: number; offset: number; length: number }>();
  const padded = (n: number) => Math.ceil(n / ALIGNMENT) * ALIGNMENT;
  for (const group of groups) {
    const need = group.reduce((sum, { shape }) => sum + padded(sizeOf(shape)), 0);
    if (need > most) {
      const names = group.map(({ name }) => name).join(", ");
      throw new LimitError(
        `${names}: ${showBytes(need * 4)} of parameters that belong together do not fit: this adapter's buffers hold ${showBytes(maxBufferSize)}, a third of it for parameters so that the optimizer's moments fit too; choose smaller sizes`,
      );
    }
    if (pages.at(-1)! + need > most) pages.push(0);
    const page = pages.length - 1;
    for (const parameter of group) {
      const length = sizeOf(parameter.shape);
      places.set(parameter, { page, offset: pages[page]!, length });
      pages[page]! += padded(length);
    }
  }
  return { pages, places };
}
