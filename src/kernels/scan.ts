import type { Dispatch, Target, View } from "../plan/plan.ts";
import { scanBackwardWgsl } from "../shaders/scan-backward.generated.ts";
import { scanChunksWgsl } from "../shaders/scan-chunks.generated.ts";
import { scanForwardWgsl } from "../shaders/scan-forward.generated.ts";
import { chooseVariant } from "./choose-variant.ts";
import { defineKernel, dispatch, gridFor, read, readWrite, type Scheduler, u32 } from "./kernel.ts";

/** What chunks of steps do to the states that they start from. See shaders/scan-chunks.wgsl. */
export const scanChunks = defineKernel({
  shader: scanChunksWgsl,
  bindings: [read("a", "f32", "[T,N]"), read("b", "f32", "[T,N]"), readWrite("summary", "f32", "[2,chunks,N]")],
  params: u32("T", "N", "L", "chunks"),
  variants: [{ REVERSE: false }, { REVERSE: true }],
  twin({ a, b, summary }, { T, N, L, chunks }, { constants }) {
    for (let chunk = 0; chunk < chunks; chunk++) {
      for (let n = 0; n < N; n++) {
        let product = 1;
        let end = 0;
        for (let s = chunk * L; s < (chunk + 1) * L; s++) {
          const t = constants.REVERSE ? T - 1 - s : s;
          const factor = !constants.REVERSE ? a[t * N + n]! : s > 0 ? a[(t + 1) * N + n]! : 0;
          product *= factor;
          end = factor * end + b[t * N + n]!;
        }
        summary[chunk * N + n] = product;
        summary[(chunks + chunk) * N + n] = end;
      }
    }
  },
});

/** `h_t = a_t * h_{t-1} + b_t`, chunk by chunk. */
export const scanForward = defineKernel({
  shader: scanForwardWgsl,
  bindings: [
    read("a", "f32", "[T,N]"),
    read("b", "f32", "[T,N]"),
    read("h0", "f32", "[N]"),
    read("starts", "f32", "[chunks-1,N]"),
    readWrite("h", "f32", "[T,N]"),
  ],
  params: u32("T", "N", "L", "chunks", "hasInitial"),
  variants: [{}],
  twin({ a, b, h0, starts, h }, { T, N, L, hasInitial }) {
    for (let n = 0; n < N; n++) {
      let state = hasInitial ? h0[n]! : 0;
      for (let t = 0; t < T; t++) {
        if (t > 0 && t % L === 0) state = starts[(t / L - 1) * N + n]!;
        state = a[t * N + n]! * state + b[t * N + n]!;
        h[t * N + n] = state;
      }
    }
  },
});

/** The gradients by a, b and h0, chunk by chunk from the end. */
export const scanBackward = defineKernel({
  shader: scanBackwardWgsl,
  bindings: [
    read("a", "f32", "[T,N]"),
    read("h", "f32", "[T,N]"),
    read("h0", "f32", "[N]"),
    read("hGradient", "f32", "[T,N]"),
    read("starts", "f32", "[chunks-1,N]"),
    readWrite("gradients", "f32", "[2*T+1,N]"),
  ],
  params: u32("T", "N", "L", "chunks", "hasInitial"),
  variants: [{}],
  twin({ a, h, h0, hGradient, starts, gradients }, { T, N, L, hasInitial }) {
    for (let n = 0; n < N; n++) {
      let carry = 0;
      for (let s = 0; s < T; s++) {
        const t = T - 1 - s;
        if (s > 0 && s % L === 0) carry = starts[(s / L - 1) * N + n]!;
        carry = hGradient[t * N + n]! + (s > 0 ? a[(t + 1) * N + n]! * carry : 0);
        const previous = t > 0 ? h[(t - 1) * N + n]! : hasInitial ? h0[n]! : 0;
        gradients[t * N + n] = carry * previous;
        gradients[(T + t) * N + n] = carry;
      }
      gradients[2 * T * N + n] = a[n]! * carry;
    }
  },
});

interface Sizes {
  /** Steps. */
  readonly T: number;
  /** Columns: each is a recurrence of its own. */
  readonly N: number;
}

/** As many invocations as keep a GPU busy. */
const WANTED = 2 ** 16;

/**
 * How many steps one invocation takes. Chunks are worth their second pass over a and b only where the columns alone do not
 * fill the machine, and about √T of them make the longest chain of dependent steps shortest.
 */
export function chunkLength(target: Target, { T, N }: Sizes): number {
  if (chooseVariant(target, "scan", { T, columns: N }) === "one pass") return T;
  const chunks = Math.max(1, Math.min(Math.ceil(WANTED / N), Math.floor(Math.sqrt(T))));
  return Math.ceil(T / chunks);
}

/** Dispatches that leave the states from which chunks 1, 2, … start, none where there is one chunk. */
function chunkStarts(
  scheduler: Scheduler,
  call: {
    readonly label: string;
    readonly size: Sizes;
    readonly reverse: boolean;
    readonly views: { a: View; b: View; h0: View | undefined };
  },
): { readonly commands: readonly Dispatch[]; readonly starts: View; readonly L: number; readonly chunks: number } {
  const { label, size, reverse, views } = call;
  const { T, N } = size;
  const { target } = scheduler;
  const L = chunkLength(target, size);
  const chunks = Math.ceil(T / L);
  if (chunks === 1) return { commands: [], starts: views.a, L, chunks };
  const ends = chunks - 1;
  const summary = scheduler.scratch(`${label} chunks`, 2 * ends * N);
  const starts = scheduler.scratch(`${label} starts`, ends * N);
  const half = (i: number): View => ({ ...summary, offset: summary.offset + i * ends * N, length: ends * N });
  const commands = [
    dispatch(scanChunks, {
      label: `${label} chunks`,
      views: { a: views.a, b: views.b, summary },
      params: { T, N, L, chunks: ends },
      constants: { REVERSE: reverse },
      grid: gridFor(ends * N, 64, target.maxWorkgroups),
    }),
    dispatch(scanForward, {
      label: `${label} starts`,
      views: { a: half(0), b: half(1), h0: views.h0 ?? summary, starts: summary, h: starts },
      params: { T: ends, N, L: ends, chunks: 1, hasInitial: views.h0 ? 1 : 0 },
      grid: gridFor(N, 64, target.maxWorkgroups),
    }),
  ];
  return { commands, starts, L, chunks };
}

/** One dispatch, or three, whatever T is. */
export function scan(
  scheduler: Scheduler,
  call: {
    readonly label: string;
    readonly size: Sizes;
    readonly views: { a: View; b: View; h0: View | undefined; h: View };
  },
): Dispatch[] {
  const { label, size, views } = call;
  const { commands, starts, L, chunks } = chunkStarts(scheduler, { ...call, reverse: false });
  const last = dispatch(scanForward, {
    label,
    views: { ...views, h0: views.h0 ?? views.a, starts },
    params: { ...size, L, chunks, hasInitial: views.h0 ? 1 : 0 },
    grid: gridFor(chunks * size.N, 64, scheduler.target.maxWorkgroups),
  });
  return [...commands, last];
}

/** Its gradients into `gradients [2*T+1,N]` (by a, by b, by h0): one dispatch, or three. */
export function scanGradients(
  scheduler: Scheduler,
  call: {
    readonly label: string;
    readonly size: Sizes;
    readonly views: { a: View; h: View; h0: View | undefined; hGradient: View; gradients: View };
  },
): Dispatch[] {
  const { label, size, views } = call;
  const { commands, starts, L, chunks } = chunkStarts(scheduler, {
    ...call,
    reverse: true,
    views: { a: views.a, b: views.hGradient, h0: undefined },
  });
  const last = dispatch(scanBackward, {
    label,
    views: { ...views, h0: views.h0 ?? views.a, starts },
    params: { ...size, L, chunks, hasInitial: views.h0 ? 1 : 0 },
    grid: gridFor(chunks * size.N, 64, scheduler.target.maxWorkgroups),
  });
  return [...commands, last];
}
