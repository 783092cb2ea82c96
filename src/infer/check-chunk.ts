import { LimitError } from "../errors.ts";
import { MOST_COMMANDS } from "../graph/build-plan.ts";
import { nodesBefore } from "../graph/dependencies.ts";
import type { Tensor } from "../graph/tensor.ts";
import { leavesOf } from "../graph/trace.ts";

/**
 * Refuses a chunk of tokens that makes too long a plan, before it is built.
 * @param token what one token's call of the model returned
 * @throws LimitError
 */
export function checkChunk(
  who: string,
  model: object,
  token: { readonly logits: Tensor; readonly state: unknown },
  chunk: number,
): void {
  const perToken = nodesBefore([token.logits, ...leavesOf(token.state).values()]).length;
  if (perToken * chunk > MOST_COMMANDS)
    throw new LimitError(
      `${who}: chunk is ${chunk}, and a token of ${model.constructor.name} takes at least ${perToken} commands; at most ${Math.floor(MOST_COMMANDS / perToken)} tokens fit into a plan: choose a smaller chunk`,
    );
}
