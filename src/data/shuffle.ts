import { RandomStream } from "../random.ts";

/**
 * The numbers 0 to n - 1 in random order (Fisher and Yates; Durstenfeld, "Algorithm 235: Random permutation", CACM 7(7),
 * 1964): the same for a seed and a name on every machine.
 */
export function shuffled(n: number, seed: number, name: string): number[] {
  const random = new RandomStream(seed, name);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let left = n; left > 1; left--) {
    // One number has 24 bits, too few for many records.
    const at = Math.floor((random.next() + random.next() * 2 ** -24) * left);
    [order[at], order[left - 1]] = [order[left - 1]!, order[at]!];
  }
  return order;
}
