import { type Followers, followersOf, type NGramCounts } from "./ngram-counts.ts";

/** What may come next: tokens below `size`, but for those that are never predicted (padding, begin). */
export interface Outcomes {
  readonly size: number;
  readonly excluded: readonly number[];
}

/** Probabilities from counts. A context is the tokens before, at most n-1 of them. Over all outcomes they sum up to 1. */
export interface Smoothing {
  /** One for each order from 1 on; none where nothing is discounted. */
  readonly discounts: readonly number[];
  /** Of one token. */
  probability(token: number, context: ArrayLike<number>): number;
  /** Of every token, `[V]`; 0 for those that are never predicted. */
  distribution(context: ArrayLike<number>): Float64Array;
}

/** The same probability for every outcome. */
function uniform({ size, excluded }: Outcomes): Float64Array {
  const all = new Float64Array(size).fill(1 / (size - excluded.length));
  for (const token of excluded) all[token] = 0;
  return all;
}

/**
 * P(w|h) = (c(hw) + k) / (c(h) + kV). With k of 0 it is the maximum likelihood c(hw) / c(h), and for an h that was never seen what the
 * first equation comes to as k goes to 0: 1/V.
 */
export function addK(counts: NGramCounts, outcomes: Outcomes, k: number): Smoothing {
  const V = outcomes.size - outcomes.excluded.length;
  /** The context, and the divisor. */
  const look = (context: ArrayLike<number>) => {
    const node = counts.node(context);
    const total = node < 0 ? 0 : counts.followers[context.length]!.total[node]!;
    return { node, total, divisor: total + k * V };
  };
  return {
    discounts: [],
    probability(token, context) {
      if (outcomes.excluded.includes(token)) return 0;
      const { node, total, divisor } = look(context);
      if (total === 0) return 1 / V;
      const child = counts.child(context.length, node, token);
      return ((child < 0 ? 0 : counts.orders[context.length]!.counts[child]!) + k) / divisor;
    },
    distribution(context) {
      const all = uniform(outcomes);
      const { node, total, divisor } = look(context);
      if (total === 0) return all;
      for (let token = 0; token < all.length; token++) if (all[token]! > 0) all[token] = k / divisor;
      const { tokens, starts, counts: seen } = counts.orders[context.length]!;
      for (let c = starts[node]!; c < starts[node + 1]!; c++)
        if (seen[c]! > 0) all[tokens[c]!] = (seen[c]! + k) / divisor;
      return all;
    },
  };
}

/** Where no n-gram of an order was seen once the equation gives 0, and what was never seen would have no probability. */
const DISCOUNT_WITHOUT_ONCE = 0.5;

/** D = n1 / (n1 + 2 n2) with the numbers of n-grams whose count is 1 and 2. Ney, Essen and Kneser 1994. */
function discountOf(values: Int32Array): number {
  let n1 = 0;
  let n2 = 0;
  for (const value of values) {
    if (value === 1) n1++;
    if (value === 2) n2++;
  }
  return n1 === 0 ? DISCOUNT_WITHOUT_ONCE : n1 / (n1 + 2 * n2);
}

/**
 * Interpolated Kneser-Ney smoothing; Kneser and Ney 1995, as in Chen and Goodman, "An empirical study of smoothing techniques for
 * language modeling", Computer Speech and Language 13, 1999, section 2.7. With a(·) the count for n-grams of n tokens, and for shorter
 * ones the number of different tokens seen before them:
 * P(w|h) = (max(a(hw) - D, 0) + D N1+(h·) P(w|h')) / sum of a(h·), where h' is h without its first token, N1+(h·) the number of
 * different w with a(hw) > 0, and P(w) of the shortest is 1/V.
 * @param discount D of every order; default by the counts, one for each order
 */
export function kneserNey(counts: NGramCounts, outcomes: Outcomes, discount: number | undefined): Smoothing {
  const values = counts.continuations();
  const followers: Followers[] = counts.orders.map((order, i) => followersOf(order, values[i]!));
  const discounts = values.map((of) => discount ?? discountOf(of));
  const base = uniform(outcomes);
  /** Contexts that were seen, from the shortest on, with what is left for the next shorter one. */
  function* contexts(context: ArrayLike<number>) {
    for (let length = 0; length <= context.length; length++) {
      const node = counts.node(context, context.length - length);
      const total = node < 0 ? 0 : followers[length]!.total[node]!;
      // What was never seen after a context was never seen after a longer one either.
      if (total === 0) return;
      const D = discounts[length]!;
      yield { length, node, total, D, left: (D * followers[length]!.types[node]!) / total };
    }
  }
  return {
    discounts,
    probability(token, context) {
      let p = base[token]!;
      for (const { length, node, total, D, left } of contexts(context)) {
        const child = counts.child(length, node, token);
        p = left * p + (child < 0 ? 0 : Math.max(values[length]![child]! - D, 0) / total);
      }
      return p;
    },
    distribution(context) {
      const all = base.slice();
      for (const { length, node, total, D, left } of contexts(context)) {
        for (let token = 0; token < all.length; token++) all[token]! *= left;
        const { tokens, starts } = counts.orders[length]!;
        for (let c = starts[node]!; c < starts[node + 1]!; c++)
          all[tokens[c]!]! += Math.max(values[length]![c]! - D, 0) / total;
      }
      return all;
    },
  };
}
