import { type VariantOf, variantsOf } from "./choose-variant.ts";

// What a variant of the recurrent step, of the matrix product and of a weight's gradient costs on a class of machine, on paper. It
// ranks variants where nothing was measured and says what bounds a shape; `Runtime.tune` measures. Microseconds, unless a name says
// otherwise.

/** A class of machine. What stands beside a number is where it comes from; "guess" until one is measured. */
export interface Hardware {
  /** From one dispatch to the next one that depends on it. */
  readonly dispatch: number;
  /** A barrier of a workgroup of 256 invocations. */
  readonly barrier: number;
  /** Compute units, each of which runs workgroups by itself. */
  readonly units: number;
  /** Lanes of a unit that compute at once. */
  readonly lanes: number;
  /** Nanoseconds of a lane for one multiply-add, where all lanes have one. */
  readonly multiplyAdd: number;
  /** Nanoseconds of a lane for loading one f32 that lies in a cache, where all lanes load. */
  readonly load: number;
  /** Nanoseconds that a load from a cache takes. An invocation has about eight under way. */
  readonly latency: number;
  /** GB/s from memory. */
  readonly bandwidth: number;
  /** MB that stay in the last cache. */
  readonly cache: number;
}

export const hardware = {
  /**
   * lavapipe (Mesa 22 and 25) on two cores with vectors of 8 lanes, measured on 2026-11-21: a tiny dispatch 20 µs, products 10 to 13
   * GFLOP/s, steps of 750 µs at B 32, H 128; on 2026-11-22: about 40 µs a barrier. Loads are gathers, one lane after the other.
   */
  software: {
    dispatch: 20,
    barrier: 40,
    units: 2,
    lanes: 8,
    multiplyAdd: 1.5,
    load: 8,
    latency: 0,
    bandwidth: 15,
    cache: 30,
  },
  /**
   * Such as Intel Xe with 96 units of 8 lanes at 1.3 GHz, here as 12 units of 64 (Intel's architecture guides: 2.0 TFLOP/s), with
   * dual-channel DDR4-3200 (51 GB/s by its standard). Latency after chipsandcheese.com, "Intel's Xe-LP": some 100 ns to the cache.
   * Dispatch and barrier: guess.
   */
  integrated: {
    dispatch: 10,
    barrier: 0.3,
    units: 12,
    lanes: 64,
    multiplyAdd: 0.77,
    load: 1.5,
    latency: 100,
    bandwidth: 40,
    cache: 4,
  },
  /** An M1: 8 units of 128 lanes at 1.28 GHz, 2.6 TFLOP/s, 68 GB/s (Apple). Dispatch, barrier and latency: guess. */
  apple: {
    dispatch: 8,
    barrier: 0.2,
    units: 8,
    lanes: 128,
    multiplyAdd: 0.78,
    load: 1.5,
    latency: 100,
    bandwidth: 60,
    cache: 8,
  },
  /**
   * Such as NVIDIA's RTX 3070: 46 units of 128 lanes at 1.7 GHz, 448 GB/s, 4 MB (NVIDIA's data sheet). A load of L2 takes about 200
   * cycles (Jia et al. 2018, "Dissecting the NVIDIA Volta GPU architecture via microbenchmarking"). Dispatch and barrier: guess.
   */
  discrete: {
    dispatch: 4,
    barrier: 0.1,
    units: 46,
    lanes: 128,
    multiplyAdd: 0.59,
    load: 1.2,
    latency: 120,
    bandwidth: 400,
    cache: 4,
  },
} as const satisfies Record<string, Hardware>;

export type HardwareClass = keyof typeof hardware;

/** The class of an adapter, by what it says of itself. */
export function hardwareClass({
  software,
  vendor = "",
  architecture = "",
}: {
  readonly software: boolean;
  readonly vendor?: string;
  readonly architecture?: string;
}): HardwareClass {
  if (software) return "software";
  if (/apple/i.test(vendor)) return "apple";
  return /intel|qualcomm|arm|img/i.test(`${vendor} ${architecture}`) ? "integrated" : "discrete";
}

/** One kind of workgroup, all of which run the same loop. */
interface Work {
  readonly groups: number;
  /** Invocations of a workgroup. */
  readonly invocations: number;
  /** Rounds of the loop in an invocation, one after the other. */
  readonly rounds: number;
  /** f32 that a round loads, and how many multiply-adds it has. */
  readonly loads: number;
  readonly multiplyAdds: number;
  /** Barriers of a workgroup. */
  readonly barriers: number;
  /** Bytes that come from memory, at least once. */
  readonly bytes: number;
}

/** How long all workgroups take: the longest of computing, waiting for loads, and reading from memory. */
function timeOf(
  machine: Hardware,
  { groups, invocations, rounds, loads, multiplyAdds, barriers, bytes }: Work,
): number {
  const vectors = Math.ceil(invocations / machine.lanes);
  const each = loads * machine.load + multiplyAdds * machine.multiplyAdd;
  const computing = (Math.ceil(groups / machine.units) * vectors * rounds * each) / 1000;
  const waiting = (rounds * machine.latency * Math.max(1, loads / 8)) / 8 / 1000;
  // Units that have several workgroups change to another one at a barrier; where barriers are dear, they cannot.
  const turns = machine.latency > 0 ? 1 : Math.ceil(groups / machine.units);
  const reading = bytes > machine.cache * 1e6 ? bytes / machine.bandwidth / 1000 : 0;
  return Math.max(computing, waiting, reading) + (turns * barriers * machine.barrier * invocations) / 256;
}

const roundUp = (count: number, to: number) => Math.ceil(count / to) * to;

/** What an invocation reads of ROWS numbers where SHARED have them together; handing one on takes an eighth of a load. */
const readsOf = (ROWS: number, SHARED: number) => (SHARED > 1 ? ROWS / SHARED + ROWS / 8 : ROWS);

export interface StepShape {
  /** Rows of the batch. */
  readonly B: number;
  /** Words of four units: H/4. */
  readonly words: number;
  readonly gates: number;
  readonly directions: number;
  /** 1: a step backward, see `Way` in recurrent-dispatch.ts; default 0. */
  readonly back?: number;
}

/**
 * Microseconds of one step of a recurrent layer.
 * @param variant as `chooseVariant` gives it for "recurrent"; "block" with its rows
 * @param steps that one dispatch goes through where a workgroup has a whole row; default many
 */
export function predictStep(
  machine: Hardware,
  { B, words, gates: G, directions, back = 0 }: StepShape,
  variant: Exclude<VariantOf<"recurrent">, "block"> | { readonly ROWS: number; readonly SHARED?: number },
  steps = Number.POSITIVE_INFINITY,
): number {
  // Sums of a unit, and what each goes through: backward one sum through all gates.
  const [sums, K] = back > 0 ? [1, 4 * words * G] : [G, 4 * words];
  const { ROWS } = variant;
  const rowGroups = Math.ceil(B / ROWS);
  const round = { loads: 4 * sums + ROWS, multiplyAdds: 4 * sums * ROWS, bytes: 64 * directions * G * words * words };
  if (!("SLICES" in variant)) {
    const { SHARED = 1 } = variant;
    const invocations = SHARED > 1 ? SHARED : 32;
    const groups = Math.ceil((roundUp(words, SHARED) * rowGroups) / invocations) * directions;
    const loads = 4 * sums + readsOf(ROWS, SHARED);
    return machine.dispatch + timeOf(machine, { ...round, loads, groups, invocations, rounds: K, barriers: 0 });
  }
  const { WORDS, SLICES } = variant;
  const wordGroups = Math.ceil(words / WORDS);
  const own = timeOf(machine, {
    ...round,
    groups: wordGroups * rowGroups * directions,
    invocations: WORDS * SLICES,
    rounds: Math.ceil(K / SLICES),
    // Sums of four parts at a time, each between two barriers, and one at the step's end.
    barriers: 2 * Math.ceil((sums * ROWS) / 4) + 1,
  });
  return own + machine.dispatch / (wordGroups === 1 ? steps : 1);
}

/** Microseconds of a matrix product. `variant`: as `chooseVariant` gives it for "matmul". */
export function predictProduct(
  machine: Hardware,
  { M, N, K, batches = 1 }: { readonly M: number; readonly N: number; readonly K: number; readonly batches?: number },
  variant: VariantOf<"matmul">,
): number {
  const bytes = 4 * batches * (M * K + K * N + M * N);
  if (variant === "tiled") {
    // 16 x 16 invocations have 64 x 64 results, four by four each, and go through K by slabs of 16, between two barriers each.
    const groups = Math.ceil(M / 64) * Math.ceil(N / 64) * batches;
    const work = { groups, invocations: 256, rounds: K, loads: 8.5, multiplyAdds: 16, bytes };
    return machine.dispatch + timeOf(machine, { ...work, barriers: 2 * Math.ceil(K / 16) });
  }
  const { ROWS, COLUMNS, LANES, SHARED } = variant;
  const across = roundUp(Math.ceil(N / COLUMNS), SHARED);
  const groups = Math.ceil((Math.ceil(M / ROWS) * across * batches) / LANES);
  const loads = readsOf(ROWS, SHARED) + COLUMNS;
  const work = { groups, invocations: LANES, rounds: K, loads, multiplyAdds: ROWS * COLUMNS };
  return machine.dispatch + timeOf(machine, { ...work, barriers: 0, bytes });
}

/**
 * Microseconds of a weight's gradient in parts of K: the product that leaves a sum for each part, and the one that adds these up; each
 * by its fastest variant, as neither is chosen yet.
 */
export function predictWeightGradient(
  machine: Hardware,
  { M, N, K, batches = 1 }: Parameters<typeof predictProduct>[1],
  { PARTS }: VariantOf<"weight-gradient">,
): number {
  const best = (size: Parameters<typeof predictProduct>[1]) =>
    Math.min(...variantsOf("matmul").map((variant) => predictProduct(machine, size, variant)));
  const depth = Math.ceil(K / PARTS);
  const count = Math.ceil(K / depth);
  const own = best({ M, N, K: depth, batches: batches * count });
  return count === 1 ? own : own + best({ M: 1, N: M * N * batches, K: count });
}

/** Microseconds of what `chooseVariant` was asked for; undefined for kernels that the model does not have. */
export function predict(
  machine: Hardware,
  kernel: string,
  shape: Readonly<Record<string, number>>,
  variant: unknown,
): number | undefined {
  const sizes = shape as never;
  if (kernel === "matmul") return predictProduct(machine, sizes, variant as VariantOf<"matmul">);
  if (kernel === "weight-gradient")
    return predictWeightGradient(machine, sizes, variant as VariantOf<"weight-gradient">);
  if (kernel === "recurrent") {
    const all =
      variant === "block" ? variantsOf("recurrent-block") : [variant as Exclude<VariantOf<"recurrent">, "block">];
    return Math.min(...all.map((one) => predictStep(machine, sizes, one)));
  }
  if (kernel === "recurrent-block") {
    const step = { ...(shape as unknown as Omit<StepShape, "directions">), directions: 1 };
    return predictStep(machine, step, variant as VariantOf<"recurrent-block">);
  }
  return undefined;
}
