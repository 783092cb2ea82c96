import { functional, Module, type Tensor } from "../../index.ts";
import type { Decoder, Given } from "./decoder.ts";
import type { States } from "./first-state.ts";

/** Steps that are computed in one call, without the host. */
export const CHUNK = 8;
/** The logarithm of a probability of what is not to happen. */
export const NEVER = -1e9;

/** How far texts of B sequences are, W hypotheses of each. All `[W,B]`. */
export interface Hypotheses {
  /** The last token of each, i32. */
  readonly token: Tensor;
  /** Sum of the logarithms of their probabilities. */
  readonly total: Tensor;
  /** Tokens so far, begin not counted. */
  readonly length: Tensor;
  /** 1 where the end token is there, i32. */
  readonly isEnded: Tensor;
}

export interface SearchInputs extends Hypotheses, Given {
  /** The most tokens, the exponent of the length in a score, and the temperature: `[3]`. */
  readonly settings: Tensor;
  /** Where units are drawn: numbers from 0 to 1, `[CHUNK,W,B]`. Without them W is the width of a beam. */
  readonly uniform?: Tensor;
}

/** What a step does to the hypotheses: the unit of each, and the one that it goes on from. */
interface Chosen {
  readonly next: Hypotheses;
  /** `[W,B]`, i32; undefined where each goes on from itself. */
  readonly parent?: Tensor;
}

const stateName = /^state\.(.*)$/;

/**
 * Some steps of a search in a decoder, for B sequences with W hypotheses each: a beam search, which keeps the W with the best
 * score log P / length^penalty of all their continuations; or W texts that are drawn. Those that have ended stay, with the score
 * that they have, as in `Runtime.beamSearch`.
 */
export class SearchChunk extends Module {
  readonly decoder: Decoder;
  readonly #end: number;
  readonly #forbidden: readonly number[];

  /** @param tokens the end token, and those that are never written */
  constructor(decoder: Decoder, tokens: { readonly end: number; readonly forbidden: readonly number[] }) {
    super();
    this.decoder = decoder;
    this.#end = tokens.end;
    this.#forbidden = tokens.forbidden;
  }

  /**
   * @param inputs with the states as `state.<name>`, `[L,W*B,H]`; without them they begin with zeros
   * @returns `written` and `parents`, i32 `[CHUNK,W,B]`, the weights of attention `[CHUNK,W,B,S]` of the hypotheses before each
   *   step, and what the next call gets
   */
  forward(inputs: SearchInputs & Readonly<Record<string, Tensor>>) {
    const { token, total, length, isEnded, settings, uniform, joined, ...rest } = inputs;
    const [W, B] = token.shape as [number, number];
    const given: Given = { ...rest, ...(joined && { joined: functional.concat(new Array(W).fill(joined), 0) }) };
    const names = Object.keys(rest).flatMap((name) => stateName.exec(name)?.[1] ?? []);
    let state: States | undefined =
      names.length > 0 ? Object.fromEntries(names.map((name) => [name, inputs[`state.${name}`]!])) : undefined;
    let hypotheses: Hypotheses = { token, total, length, isEnded };
    const [written, parents, looked]: [Tensor[], Tensor[], Tensor[]] = [[], [], []];
    const own = functional.constant(
      Array.from({ length: W * B }, (_, i) => Math.floor(i / B)),
      { shape: [W, B], dtype: "i32" },
    );
    for (let step = 0; step < CHUNK; step++) {
      const read = this.decoder.read(hypotheses.token.reshape([1, W * B]), state, given);
      const { logits, weights } = this.decoder.score(read.output.reshape([W, B, -1]), given);
      const { next, parent } = this.#choose(logits, hypotheses, settings, uniform?.select(step, 0));
      state = parent ? reordered(read.state, parent) : read.state;
      hypotheses = next;
      written.push(next.token);
      parents.push(parent ?? own);
      if (weights) looked.push(weights);
    }
    return {
      written: functional.stack(written),
      parents: functional.stack(parents),
      ...(looked.length > 0 && { weights: functional.stack(looked) }),
      ...hypotheses,
      ...Object.fromEntries(Object.entries(state!).map(([name, tensor]) => [`state.${name}`, tensor])),
    };
  }

  /** @param logits `[W,B,V]` @param uniform `[W,B]` */
  #choose(logits: Tensor, before: Hypotheses, settings: Tensor, uniform: Tensor | undefined): Chosen {
    const [W, B, V] = logits.shape as [number, number, number];
    const mask = functional.constant(Array.from({ length: V }, (_, v) => (this.#forbidden.includes(v) ? NEVER : 0)));
    const allowed = logits.add(mask);
    const norm = logits.logSumExp(-1); // [W,B]
    const [limit, penalty, temperature] = [0, 1, 2].map((i) => settings.slice(i, 1));
    const goesOn = before.isEnded.logicalNot().logicalAnd(before.length.lt(limit!));
    if (uniform) {
      const shares = allowed.div(temperature!).softmax().cumSum();
      // As many units as lie below the drawn number; one more than there are where rounding wants it.
      const drawn = shares
        .le(uniform.unsqueeze(-1))
        .sum(-1)
        .clamp({ max: V - 1 })
        .toInt();
      const logP = logits.gather(drawn.unsqueeze(-1)).squeeze(-1).sub(norm);
      return { next: this.#after(before, goesOn, drawn, before.total.add(logP)) };
    }
    const k = Math.min(W, V);
    const { values, indices } = allowed.topK(k); // [W,B,k]
    if (W === 1)
      return {
        next: this.#after(before, goesOn, indices.squeeze(-1), before.total.add(values.squeeze(-1).sub(norm))),
      };
    // What has ended goes on as itself alone.
    const first = functional.constant(Array.from({ length: k }, (_, i) => (i === 0 ? 0 : NEVER)));
    const isOn = goesOn.unsqueeze(-1);
    const total = before.total.unsqueeze(-1);
    const totals = functional.where(isOn, total.add(values.sub(norm.unsqueeze(-1))), total.add(first));
    const lengths = before.length.add(goesOn.toFloat()).maximum(1).unsqueeze(-1);
    const flat = (x: Tensor) => x.transpose(1, 2).reshape([W * k, B]);
    const best = flat(totals.div(lengths.pow(penalty!))).topK(W, { axis: 0 }).indices; // [W,B]
    // Halves keep the quotient off whole numbers, where rounding would count.
    const parent = best.toFloat().add(0.5).div(k).floor().toInt();
    const of = (x: Tensor) => x.gather(parent, 0);
    const reached = flat(totals).gather(best, 0);
    const inherited = { ...before, total: reached, length: of(before.length), isEnded: of(before.isEnded) };
    return { next: this.#after(inherited, of(goesOn), flat(indices).gather(best, 0), reached), parent };
  }

  /** Hypotheses with one unit more; those that do not go on stay as they are. */
  #after(before: Hypotheses, goesOn: Tensor, token: Tensor, total: Tensor): Hypotheses {
    return {
      token: functional.where(goesOn, token, this.#end),
      total: functional.where(goesOn, total, before.total),
      length: before.length.add(goesOn.toFloat()),
      isEnded: before.isEnded.logicalOr(goesOn.logicalAnd(token.eq(this.#end))),
    };
  }
}

/** States `[L,W*B,H]` of the hypotheses that others go on from. */
function reordered(state: States, parent: Tensor): States {
  const [W, B] = parent.shape as [number, number];
  const column = functional.constant(
    Array.from({ length: B }, (_, b) => b),
    { dtype: "i32" },
  );
  const rows = parent
    .mul(B)
    .add(column)
    .reshape([W * B]);
  return Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, tensor.indexSelect(rows, 1)]));
}
