/** Numbers by chance for made-up data, the same on every machine. */
import { RandomStream } from "webgpu-rnn";

export function dice(name: string) {
  const stream = new RandomStream(1, name);
  const below = (n: number) => Math.floor(stream.next() * n);
  return {
    /** A whole number from 0 to n - 1. */
    below,
    pick: <T>(all: readonly T[]): T => all[below(all.length)]!,
    chance: (p: number) => stream.next() < p,
    normal: () => stream.normal(),
  };
}
