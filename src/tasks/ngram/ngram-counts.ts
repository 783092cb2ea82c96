import { DataError, shown } from "../../index.ts";

/**
 * The n-grams of one order: K of k tokens each. Those that begin with the same k-1 tokens stand side by side, in ascending order of
 * their last token.
 */
export interface NGramOrder {
  /** The last token of each; `[K]`. */
  readonly tokens: Int32Array;
  /** Where those that go on from n-gram p of the order below begin, and where the last ones end; `[P+1]`. */
  readonly starts: Int32Array;
  /** How often each was seen; 0 where the last token is the begin token, which nobody predicts. `[K]` */
  readonly counts: Int32Array;
}

/** An order as plain data, for a file. */
export interface NGramOrderJson {
  readonly tokens: readonly number[];
  /** How many go on from each n-gram of the order below. */
  readonly children: readonly number[];
  readonly counts: readonly number[];
}

/** What is counted. */
export interface NGramCounting {
  /** The longest n-gram. */
  readonly n: number;
  /** V: tokens are below it. */
  readonly size: number;
  /** A token that is never predicted: its n-grams are there, with a count of 0. */
  readonly begin: number | undefined;
  /** A token that no n-gram goes on from, so that sentences follow each other. */
  readonly end: number | undefined;
}

/** What came after each context of one order: how often something did, and how many different tokens. */
export interface Followers {
  readonly total: Float64Array;
  readonly types: Int32Array;
}

/**
 * Counts of all n-grams of 1 to n tokens, as a tree in typed arrays: an n-gram is a number in its order, and its tokens lead to it
 * from the root. 8 bytes an n-gram, and 16 for each that may be a context; a look-up is a binary search for each token.
 */
export class NGramCounts {
  /** Of 1 to n tokens. */
  readonly orders: readonly NGramOrder[];
  /** After contexts of 0 to n-1 tokens. */
  readonly followers: readonly Followers[];

  private constructor(orders: readonly NGramOrder[]) {
    this.orders = orders;
    this.followers = orders.map((order) => followersOf(order, order.counts));
  }

  /**
   * Counts a stream of tokens.
   */
  static of(tokens: Int32Array, { n, size, begin, end }: NGramCounting): NGramCounts {
    const orders: NGramOrder[] = [];
    // The n-gram of the order below that begins at each token; -1 where there is none.
    const before = new Int32Array(tokens.length);
    const keys = new Float64Array(tokens.length);
    for (let k = 1; k <= n; k++) {
      let length = 0;
      for (let i = 0; i + k <= tokens.length; i++)
        if (before[i]! >= 0) keys[length++] = before[i]! * size + tokens[i + k - 1]!;
      const order = orderOf(keys.subarray(0, length).sort(), size, orders[k - 2]?.tokens.length ?? 1, begin);
      orders.push(order);
      for (let i = 0; i < tokens.length && k < n; i++) {
        const last = i + k <= tokens.length ? tokens[i + k - 1]! : end;
        const goesOn = before[i]! >= 0 && i + k < tokens.length && last !== end;
        before[i] = goesOn ? find(order, before[i]!, last!) : -1;
      }
    }
    return new NGramCounts(orders);
  }

  /** The number of an n-gram in its order, by its tokens; 0 for none of them, -1 for one that was never seen. */
  node(tokens: ArrayLike<number>, from = 0): number {
    let node = 0;
    for (let i = from; i < tokens.length && node >= 0; i++) node = find(this.orders[i - from]!, node, tokens[i]!);
    return node;
  }

  /** The number of the n-gram that goes on from context `node` of `length` tokens by `token`, in order length + 1; -1 for none. */
  child(length: number, node: number, token: number): number {
    return find(this.orders[length]!, node, token);
  }

  /**
   * Of every n-gram of 1 to n-1 tokens the number of different tokens that were seen before it, N1+(·w…); of those of n tokens the
   * count.
   * @throws DataError where the part of an n-gram without its first token was never counted
   */
  continuations(): Int32Array[] {
    const { orders } = this;
    const values = orders.map(({ tokens, counts }, i) =>
      i === orders.length - 1 ? counts : new Int32Array(tokens.length),
    );
    // Of each n-gram the one without its first token, in the order below.
    let links = new Int32Array(orders[0]!.tokens.length);
    for (let i = 1; i < orders.length; i++) {
      const { tokens, starts, counts } = orders[i]!;
      const [below, before] = [orders[i - 1]!, values[i - 1]!];
      const own = new Int32Array(tokens.length);
      for (let parent = 0; parent + 1 < starts.length; parent++) {
        // Both lists of tokens ascend, so the next one stands behind the one that was found last.
        let from = below.starts[links[parent]!]!;
        const to = below.starts[links[parent]! + 1]!;
        for (let c = starts[parent]!; c < starts[parent + 1]!; c++) {
          from = position(below.tokens, from, to, tokens[c]!);
          if (from === to || below.tokens[from] !== tokens[c])
            throw new DataError(`n-gram ${c} of ${i + 1} tokens is counted, and its end is not`);
          own[c] = from;
          if (counts[c]! > 0) before[from]!++;
        }
      }
      links = own;
    }
    return values;
  }

  toJSON(): NGramOrderJson[] {
    return this.orders.map(({ tokens, starts, counts }) => ({
      tokens: Array.from(tokens),
      children: Array.from(starts.subarray(1), (end, p) => end - starts[p]!),
      counts: Array.from(counts),
    }));
  }

  /** The inverse of `toJSON`. @throws DataError when it is not such data */
  static fromJSON(json: unknown, { n, size, begin }: Omit<NGramCounting, "end">): NGramCounts {
    if (!Array.isArray(json) || json.length !== n)
      throw new DataError(`the orders are ${shown(json)}, expected a list of ${n}`);
    const orders: NGramOrder[] = [];
    for (const [i, order] of json.entries()) {
      const where = `order ${i + 1}`;
      const parents = orders[i - 1]?.tokens.length ?? 1;
      const tokens = wholeNumbers(`${where}: tokens`, order?.tokens, size - 1);
      const counts = wholeNumbers(`${where}: counts`, order?.counts, MOST, tokens.length);
      const children = wholeNumbers(`${where}: children`, order?.children, tokens.length, parents);
      const starts = new Int32Array(parents + 1);
      for (let p = 0; p < parents; p++) starts[p + 1] = Math.min(starts[p]! + children[p]!, MOST);
      if (starts[parents] !== tokens.length)
        throw new DataError(`${where}: children sum up to ${starts[parents]}, expected ${tokens.length}`);
      for (let p = 0; p < parents; p++)
        for (let c = starts[p]! + 1; c < starts[p + 1]!; c++)
          if (tokens[c]! <= tokens[c - 1]!) throw new DataError(`${where}: the tokens after n-gram ${p} do not ascend`);
      const wrong = counts.findIndex((count, c) => (count === 0) !== (tokens[c] === begin));
      if (wrong >= 0) throw new DataError(`${where}: n-gram ${wrong} has count ${counts[wrong]}`);
      orders.push({ tokens, starts, counts });
    }
    if (orders[0]!.tokens.length === 0) throw new DataError("there is no n-gram");
    return new NGramCounts(orders);
  }
}

/** The largest number of an Int32Array. */
const MOST = 2 ** 31 - 1;

function wholeNumbers(what: string, json: unknown, most: number, length?: number): Int32Array {
  if (!Array.isArray(json) || (length !== undefined && json.length !== length))
    throw new DataError(`${what}: ${shown(json)}, expected a list of ${length ?? "whole"} numbers`);
  const wrong = json.findIndex((value) => !Number.isInteger(value) || value < 0 || value > most);
  if (wrong >= 0) throw new DataError(`${what}: ${shown(json[wrong])}, expected a whole number from 0 to ${most}`);
  return Int32Array.from(json);
}

/** An order from the keys of all its n-grams as they were seen, parent * V + token, in ascending order. */
function orderOf(keys: Float64Array, size: number, parents: number, begin: number | undefined): NGramOrder {
  let length = 0;
  for (let i = 0; i < keys.length; i++) if (i === 0 || keys[i] !== keys[i - 1]) length++;
  const tokens = new Int32Array(length);
  const counts = new Int32Array(length);
  const starts = new Int32Array(parents + 1);
  let at = -1;
  for (let i = 0; i < keys.length; i++) {
    if (i === 0 || keys[i] !== keys[i - 1]) {
      const parent = Math.floor(keys[i]! / size);
      tokens[++at] = keys[i]! - parent * size;
      starts[parent + 1]!++;
    }
    if (tokens[at] !== begin) counts[at]!++;
  }
  for (let p = 0; p < parents; p++) starts[p + 1]! += starts[p]!;
  return { tokens, starts, counts };
}

/** The first place from `low` on, below `high`, whose token is not smaller; `high` where there is none. */
function position(tokens: Int32Array, low: number, high: number, token: number): number {
  let [first, behind] = [low, high];
  while (first < behind) {
    const middle = (first + behind) >>> 1;
    if (tokens[middle]! < token) first = middle + 1;
    else behind = middle;
  }
  return first;
}

function find({ tokens, starts }: NGramOrder, parent: number, token: number): number {
  const behind = starts[parent + 1]!;
  const at = position(tokens, starts[parent]!, behind, token);
  return at < behind && tokens[at] === token ? at : -1;
}

/** Sums over the n-grams that go on from each context. @param values of the order's n-grams */
export function followersOf({ starts }: NGramOrder, values: Int32Array): Followers {
  const total = new Float64Array(starts.length - 1);
  const types = new Int32Array(starts.length - 1);
  for (let p = 0; p < total.length; p++) {
    for (let c = starts[p]!; c < starts[p + 1]!; c++) {
      total[p]! += values[c]!;
      if (values[c]! > 0) types[p]!++;
    }
  }
  return { total, types };
}
