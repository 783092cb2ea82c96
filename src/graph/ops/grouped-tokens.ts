import { groupEqualTokens } from "../../kernels/group-tokens.ts";
import type { View } from "../../plan/plan.ts";
import { type Emitter, part } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** Tokens and their positions grouped by token, as the scatter kernels bind them. */
export interface GroupedTokens {
  readonly tokens: View;
  /** i32 `[2,N]`, see shaders/group-tokens.wgsl. */
  readonly grouped: View;
}

/** N tokens of a tensor from element `from` on, grouped; once per plan for all that scatter by the same tokens. */
export function groupedTokens(
  e: Emitter,
  x: Tensor,
  { V, from = 0, N = x.size }: { readonly V: number; readonly from?: number; readonly N?: number },
): GroupedTokens {
  const tokens = part(e.view(x), from, N);
  const grouped = e.once(x, `tokens ${from} to ${from + N} grouped, of ${V}`, () => {
    const view = e.scratch("grouped tokens", 2 * N, "i32");
    e.emit(groupEqualTokens("group tokens", { N, V }, { tokens, grouped: view }));
    return view;
  });
  return { tokens, grouped };
}
