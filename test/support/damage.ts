import { expect } from "vitest";
import { FileFormatError } from "../../src/errors.ts";
import { RandomStream } from "../../src/random.ts";

/** Files that differ from a good one in a few bytes or are cut off, the same ones for a seed. */
export function* damaged(file: Uint8Array, { count, seed }: { count: number; seed: number }): Generator<Uint8Array> {
  const random = new RandomStream(seed, "damage");
  const below = (n: number) => Math.floor(random.next() * n);
  for (let i = 0; i < count; i++) {
    const copy = file.slice(0, below(4) === 0 ? below(file.length) : file.length);
    if (copy.length > 0)
      for (let n = 1 + below(3); n > 0; n--) copy[below(copy.length)] = [0, 1, 0x7f, 0x80, 0xff, below(256)][below(6)]!;
    yield copy;
  }
}

/** The message of a reader's error, which must be a FileFormatError that a person can read. */
export function refusalOf(read: () => unknown): string {
  let error: unknown;
  try {
    read();
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(FileFormatError);
  const { message } = error as Error;
  expect(message.length).toBeLessThan(1000);
  return message;
}

/**
 * Reads damaged files; each is read or refused with a FileFormatError.
 * @returns how many were refused
 */
export function readDamaged(
  file: Uint8Array,
  read: (bytes: Uint8Array) => unknown,
  count: number,
  seed: number,
): number {
  let refused = 0;
  for (const bytes of damaged(file, { count, seed })) {
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof FileFormatError)) throw error;
      refused++;
    }
  }
  return refused;
}
