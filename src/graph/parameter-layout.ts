import { LimitError } from "../errors.ts";
import { showBytes } from "../plan/print-plan.ts";
import type { PackedDType, Shape } from "../tensor-data.ts";
import { bytesOf, sizeOf } from "../tensor-data.ts";

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
  /** What recurrent layers store their copies of R as; default f32. */
  readonly weightDtype?: PackedDType;
}

/** Names of the buffers that hold a page. */
export const pageName = {
  parameter: (page: number) => `parameters ${page}`,
  gradient: (page: number) => `gradients ${page}`,
  moments: (page: number, slot: number) => `moments ${page} ${slot}`,
};

/** Parameters start at multiples of this, so that they can be read as vec4f. */
const ALIGNMENT = 64;

const padded = (n: number) => Math.ceil(n / ALIGNMENT) * ALIGNMENT;

/**
 * Lays groups of parameters out one after the other. A group (a weight and its bias, whose gradient is then a by-product of
 * the weight's) stays in one page where it fits one.
 * @param maxBufferSize in bytes
 * @throws LimitError when a parameter does not fit a buffer, saying how much is needed and what fits
 */
export function layoutParameters(
  groups: readonly (readonly (object & ParameterSpec)[])[],
  maxBufferSize: number,
): ParameterLayout {
  const most = Math.floor(maxBufferSize / bytesOf("f32"));
  const pages: number[] = [0];
  const places = new Map<object, { page: number; offset: number; length: number }>();
  const together = groups.flatMap((group) => {
    const need = group.reduce((sum, { shape }) => sum + padded(sizeOf(shape)), 0);
    return need <= most ? [group] : group.map((parameter) => [parameter]);
  });
  for (const group of together) {
    const need = group.reduce((sum, { shape }) => sum + padded(sizeOf(shape)), 0);
    const [first] = group;
    if (first && need > most)
      throw new LimitError(
        `${first.name} needs ${showBytes(need * bytesOf("f32"))} in one buffer, this adapter allows ${showBytes(maxBufferSize)}; choose smaller sizes`,
      );
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
