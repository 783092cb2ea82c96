/** The measurements as data for others. */
import type { RuntimeInfo } from "webgpu-rnn";
import { gbsOf, gflopsOf, type Timed } from "./measuring.ts";
import { bytesOf, flopsOf } from "./tasks.ts";
import type { Result } from "./worker.ts";

/** @param at when the last of them was measured */
export function reportOf(results: readonly Result[], info: RuntimeInfo, at: Date) {
  const { backend, adapter, threads, features, reason } = info;
  return {
    what: "webgpu-rnn: how fast is this device",
    date: at.toISOString(),
    versions: { "webgpu-rnn": import.meta.env.LIBRARY_VERSION },
    userAgent: navigator.userAgent,
    processors: navigator.hardwareConcurrency,
    ...{ backend, adapter, threads, features, reason },
    results: results.map(({ times, error, ...task }) => ({
      ...task,
      differenceFromFloat64: error,
      isRight: times !== undefined,
      ...(times && { milliseconds: times }),
      flops: flopsOf(task),
      bytes: bytesOf(task),
      ...(times && speedsOf({ ...task, error, times })),
    })),
  };
}

const speedsOf = (result: Timed) => ({
  ...(flopsOf(result) > 0 && { gflops: gflopsOf(result) }),
  ...(bytesOf(result) > 0 && { gbs: gbsOf(result) }),
});
