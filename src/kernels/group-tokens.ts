import type { Dispatch, View } from "../plan/plan.ts";
import { groupTokensWgsl } from "../shaders/group-tokens.generated.ts";
import { defineKernel, dispatch, read, readWrite, u32 } from "./kernel.ts";

/**
 * Positions of N tokens sorted by token, equal ones in the order of the text, then where each run of equal tokens begins
 * (N where there is no more run). Tokens outside the vocabulary make one run, the last.
 */
export const groupTokens = defineKernel({
  shader: groupTokensWgsl,
  bindings: [read("tokens", "i32", "[N]"), readWrite("grouped", "i32", "[2,N]")],
  params: u32("N", "V", "rounds"),
  variants: [{}],
  twin({ tokens, grouped }, { N, V }) {
    const key = (n: number) => (tokens[n]! >= 0 && tokens[n]! < V ? tokens[n]! : V);
    const order = Array.from({ length: N }, (_, n) => n).sort((a, b) => key(a) - key(b));
    const starts = order.flatMap((n, i) => (i === 0 || key(n) !== key(order[i - 1]!) ? [i] : []));
    grouped.fill(N, 0, 2 * N);
    grouped.set(order);
    grouped.set(starts, N);
  },
});

/** Digits of 4 bits that the shader sorts by: those of V, which stands for all tokens outside the vocabulary. */
export const sortRounds = (V: number): number => Math.ceil((32 - Math.clz32(V)) / 4);

/** What a scatter adds up for each run of equal tokens: calls `add(token, n)` in the order of the text. For twins. */
export function eachGrouped(
  { tokens, grouped }: { readonly tokens: Int32Array; readonly grouped: Int32Array },
  { N, V }: { readonly N: number; readonly V: number },
  add: (token: number, n: number) => void,
): void {
  for (let run = 0; run < Math.min(N, V) && grouped[N + run]! < N; run++) {
    const end = run + 1 < N ? grouped[N + run + 1]! : N;
    for (let i = grouped[N + run]!; i < end; i++) {
      const n = grouped[i]!;
      const token = tokens[n]!;
      if (token >= 0 && token < V) add(token, n);
    }
  }
}

/** `grouped` is i32 `[2,N]`; one workgroup does it all. */
export const groupEqualTokens = (
  label: string,
  { N, V }: { readonly N: number; readonly V: number },
  views: { tokens: View; grouped: View },
): Dispatch => dispatch(groupTokens, { label, views, params: { N, V, rounds: sortRounds(V) }, grid: [1, 1, 1] });
