import { OptionError, shown } from "./errors.ts";

// Random numbers that are the same on every machine. Nothing here calls Math.log or Math.cos: ECMAScript leaves their
// last bits to the engine. Sums, products and quotients of doubles are exact by IEEE 754, and so is what is made of them.

const TWO_24 = 16777216;
const TWO_32 = 4294967296;

/**
 * Hashes four 32-bit counters to four random 32-bit words; `pcg4d` of Jarzynski and Olano, "Hash Functions for GPU
 * Rendering", Journal of Computer Graphics Techniques 9(3), 2020. The twin of `pcg4d` in shaders/lib/random.wgsl.
 *
 * @param a, b, c, d counters; taken modulo 2^32
 * @returns four unsigned 32-bit integers
 */
export function pcg4d(a: number, b: number, c: number, d: number): [number, number, number, number] {
  let x = (Math.imul(a, 1664525) + 1013904223) | 0;
  let y = (Math.imul(b, 1664525) + 1013904223) | 0;
  let z = (Math.imul(c, 1664525) + 1013904223) | 0;
  let w = (Math.imul(d, 1664525) + 1013904223) | 0;
  x = (x + Math.imul(y, w)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  w = (w + Math.imul(y, z)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  w ^= w >>> 16;
  x = (x + Math.imul(y, w)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  w = (w + Math.imul(y, z)) | 0;
  return [x >>> 0, y >>> 0, z >>> 0, w >>> 0];
}

/**
 * A random number in [0, 1) with 24 bits, exact in float32: the first word of `pcg4d(seed, stream, index, lane)`
 * without its low 8 bits. The same four counters give the same number in WGSL (`uniformOf(pcg4d(…).x)`).
 */
export function uniform(seed: number, stream: number, index: number, lane: number): number {
  return (pcg4d(seed, stream, index, lane)[0] >>> 8) / TWO_24;
}

/**
 * A sequence of random numbers that depends on the seed and the name alone. Parameters draw from streams that bear
 * their names, so a model's initial weights depend neither on the order of its parameters nor on what else it has.
 */
export class RandomStream {
  readonly #seed: number;
  readonly #stream: number;
  #index = 0;
  #spare: number | undefined;

  /**
   * @param seed a whole number from 0 to 4294967295
   * @param name what the numbers are for, such as `rnn.weight_ih_l0`
   * @throws OptionError when the seed is out of that range
   */
  constructor(seed: number, name: string) {
    this.#seed = checkSeed(seed);
    this.#stream = hashName(name);
  }

  /** The next number in [0, 1); 24 bits. */
  next(): number {
    const index = this.#index++;
    // The fourth counter carries, so that a stream repeats only after 2^53 numbers.
    return uniform(this.#seed, this.#stream, index % TWO_32, Math.floor(index / TWO_32));
  }

  /**
   * The next number of the normal distribution with mean 0 and standard deviation 1. Box and Muller, "A Note on the
   * Generation of Random Normal Deviates", Annals of Mathematical Statistics 29(2), 1958: two numbers in [0, 1) give two.
   */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * log(1 - this.next())); // 1 - [0,1) is (0,1]: the logarithm is finite
    const { cos, sin } = circle(this.next());
    this.#spare = radius * sin;
    return radius * cos;
  }
}

/**
 * Requires a seed that fits into one 32-bit counter.
 * @throws OptionError naming the seed and the range
 */
export function checkSeed(seed: number): number {
  if (!Number.isInteger(seed) || seed < 0 || seed >= TWO_32) {
    throw new OptionError(`seed is ${shown(seed)}, expected a whole number from 0 to ${TWO_32 - 1}`);
  }
  return seed;
}

/** The 32-bit FNV-1a hash (Fowler, Noll, Vo) of the name's UTF-16 code units, low byte first. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

/** The natural logarithm of x in (0, 1]: x = m * 2^-k with m in (1/2, 1], then ln m = 2 artanh((m - 1) / (m + 1)). */
function log(x: number): number {
  let m = x;
  let k = 0;
  while (m <= 0.5) {
    m *= 2;
    k++;
  }
  const s = (m - 1) / (m + 1); // |s| <= 1/3, so the first omitted term is below 3^-41
  let series = 0;
  for (let n = 39; n >= 1; n -= 2) series = series * s * s + 1 / n;
  return 2 * s * series - k * Math.LN2;
}

/** Cosine and sine of 2*pi*turn, turn in [0, 1), by Taylor's series within an eighth of a turn. */
function circle(turn: number): { cos: number; sin: number } {
  const quarter = Math.round(turn * 4);
  const x = 2 * Math.PI * (turn - quarter / 4); // |x| <= pi/4, where the first omitted terms are below 1e-19
  let cos = 1;
  let sin = 1;
  for (let n = 16; n >= 2; n -= 2) {
    cos = 1 - (cos * x * x) / (n * (n - 1));
    sin = 1 - (sin * x * x) / (n * (n + 1));
  }
  sin *= x;
  switch (quarter % 4) {
    case 0:
      return { cos, sin };
    case 1:
      return { cos: -sin, sin: cos };
    case 2:
      return { cos: -cos, sin: -sin };
    default:
      return { cos: sin, sin: -cos };
  }
}
