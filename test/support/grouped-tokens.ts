import { groupTokens } from "../../src/kernels/group-tokens.ts";

/** What the kernel group-tokens makes of these tokens, by its twin. */
export function grouped(tokens: Int32Array, V: number): Int32Array {
  const result = new Int32Array(2 * tokens.length);
  const context = { constants: {} } as Parameters<NonNullable<typeof groupTokens.twin>>[2];
  groupTokens.twin!({ tokens, grouped: result }, { N: tokens.length, V, rounds: 0 }, context);
  return result;
}
